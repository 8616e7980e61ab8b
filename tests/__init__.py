"""Unit, provider, database, page and browser tests, by cost; everything shared lies in conftest.py files."""
