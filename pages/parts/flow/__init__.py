"""Code that only the flow page needs."""
