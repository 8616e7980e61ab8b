"""The screen: one thin file per page; what pages share is in `pages.parts`."""
