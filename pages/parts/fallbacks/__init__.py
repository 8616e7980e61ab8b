"""Code that only the fallbacks page needs."""
