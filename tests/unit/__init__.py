"""Rules that need no database: values in, values out."""
