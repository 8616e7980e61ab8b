"""Workflows: their steps, the schema of a model's answer, the streaming parser and the validation."""
