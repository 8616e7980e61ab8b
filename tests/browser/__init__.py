"""The real console in a real browser."""
