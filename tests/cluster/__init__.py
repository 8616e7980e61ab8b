"""The embedded server's life cycle: real servers that are started together, killed, moved, starved and locked out."""
