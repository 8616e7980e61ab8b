"""Code that only the settings page needs."""
