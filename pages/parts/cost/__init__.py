"""Code that only the cost page needs."""
