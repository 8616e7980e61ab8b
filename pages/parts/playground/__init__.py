"""Code that only the playground page needs."""
