"""What of a generation is kept, and how it gets there whatever happens."""
