"""What the fallbacks page alone needs."""
