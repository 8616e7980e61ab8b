"""What is recorded about a generation, and how it is saved whatever happens."""
