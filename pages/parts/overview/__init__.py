"""Code that only the overview page needs."""
