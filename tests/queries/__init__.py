"""The read side on a real database."""
