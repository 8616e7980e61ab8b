"""How fast the console is, as ratios to the alternatives measured in the same session. `make bench` runs everything."""
