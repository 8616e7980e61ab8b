"""What the playground page alone needs."""
