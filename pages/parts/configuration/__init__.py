"""What the configuration page alone needs."""
