"""The schema and both sides of `Database.call`, on real Postgres and real PostgREST."""
