"""What a database's catalogue holds of this project, as text by which two databases can be compared."""

from __future__ import annotations

from pathlib import Path

import psycopg

_OBJECTS = Path(__file__).parent / "catalogue.sql"


def catalogue(connection: psycopg.Connection) -> dict[str, str]:
    """Every object of the schemas `public` and `private`, by kind and name, with its definition."""
    connection.execute("set search_path = ''")
    rows = connection.execute(_OBJECTS.read_bytes()).fetchall()
    return {f"{kind} {name}": definition for kind, name, definition in rows}
