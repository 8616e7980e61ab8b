"""The embedded database: our own Postgres server, started, shared, called and stopped."""
