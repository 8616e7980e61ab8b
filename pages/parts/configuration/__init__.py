"""Code that only the configuration page needs."""
