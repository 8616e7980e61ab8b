"""The HTTP edge of the console."""
