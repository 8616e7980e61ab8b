"""One generation, from the first attempt to the last."""
