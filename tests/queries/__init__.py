"""The read side against a real database."""
