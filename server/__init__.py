"""The console's HTTP layer: access control and the health check."""
