"""Whole generations on a real database, with simulated models."""
