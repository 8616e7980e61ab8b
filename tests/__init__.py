"""Unit, provider, database, page and browser tests, grouped by cost; shared fixtures are in conftest.py files."""
