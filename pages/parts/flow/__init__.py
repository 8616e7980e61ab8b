"""What the flow page alone needs."""
