"""Code that only the quality page needs."""
