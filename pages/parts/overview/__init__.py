"""What the overview page alone needs."""
