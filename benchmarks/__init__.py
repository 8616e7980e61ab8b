"""How fast it is, as ratios in one run against what one would use instead. `make bench` runs all of it."""
