"""The models: which there are, what they count and what they cost."""
