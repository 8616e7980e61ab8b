"""Generations as several pages show them: one in full, and lists of them."""
