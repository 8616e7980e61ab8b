"""The product's own route: workflows over HTTP, and what a backend needs beside them."""
