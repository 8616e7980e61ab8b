"""Signing in and out: small pages that work without Streamlit's scripts."""
