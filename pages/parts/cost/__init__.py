"""What the cost page alone needs."""
