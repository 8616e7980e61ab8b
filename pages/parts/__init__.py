"""Code that two or more pages share; code for a single page is in the folder named after it."""
