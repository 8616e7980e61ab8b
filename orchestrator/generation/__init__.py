"""One generation, from the first request to the last attempt."""
