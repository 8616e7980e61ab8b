"""Code that only the latency page needs."""
