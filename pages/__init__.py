"""The screen: one file per page, thin; what pages share is in `pages.parts`."""
