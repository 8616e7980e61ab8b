"""The embedded database: a Postgres server of our own, started, shared, called and stopped."""
