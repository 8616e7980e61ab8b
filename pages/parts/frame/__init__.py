"""What frames every page: the menu, the header, search, and a press that a lost session swallowed."""
