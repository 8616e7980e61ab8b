"""What the page People alone needs."""
