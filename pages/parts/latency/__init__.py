"""What the latency page alone needs."""
