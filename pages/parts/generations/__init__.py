"""Code that only the generations page needs."""
