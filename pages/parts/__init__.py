"""What two pages or more share; what one page alone needs lies in the folder of its name."""
