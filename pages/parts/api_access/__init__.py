"""What the page API alone needs."""
