"""The embedded server's life: real servers that are started together, killed, moved, starved and locked out."""
