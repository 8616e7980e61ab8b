"""The models: the catalogue, token counts and prices."""
