"""A workflow: its steps, how they are asked for, how they are read while they arrive, and whether they can run."""
