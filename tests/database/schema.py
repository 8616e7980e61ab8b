"""The schema files as blocks, and a migration drafted from what the migrations lack.

`python -m tests.database.schema NAME` (as `make migration NAME=...` runs it) starts a migration of that name.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from store import clock
from store.embedded import cluster
from store.embedded.cluster import Cluster
from store.embedded.database import bring_up
from store.environment import PROJECT
from store.migrate import FOLDER, migrate, migrations
from tests.database.catalogue import catalogue

SCHEMAS = PROJECT / "supabase" / "schemas"

_FUNCTION = re.compile(r"^create function (?P<name>[\w.]+)\(", re.MULTILINE)
_RETURNS = re.compile(r"\n RETURNS .*\n")
_BLOCKS = "\n\n\n"
_PRICES = """\
insert into public.model_prices (
    model, effective_from, effective_to, input_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok,
    output_usd_per_mtok
)
values
    """
_NEWER_PRICES = """
on conflict (model, effective_from) do update set
    effective_to = excluded.effective_to,
    input_usd_per_mtok = excluded.input_usd_per_mtok,
    cached_input_usd_per_mtok = excluded.cached_input_usd_per_mtok,
    cache_write_usd_per_mtok = excluded.cache_write_usd_per_mtok,
    output_usd_per_mtok = excluded.output_usd_per_mtok;"""
_AFTER = {
    "functions private.system_keys": "select private.add_missing_keys();",
    "columns public.generation_rollups": "select private.rebuild_rollups();",
    "columns public.attempt_rollups": "select private.rebuild_rollups();",
    "columns public.verdict_rollups": "select private.rebuild_rollups();",
}
"""What a migration must call after a change of this part."""


def schema_files() -> list[Path]:
    """The files of the schema in the order in which they build on each other."""
    return sorted(SCHEMAS.glob("*.sql"))


def functions(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Each function's name and its block: comment, definition and grants."""
    for path in files:
        for block in path.read_text(encoding="utf-8").split(_BLOCKS):
            for match in _FUNCTION.finditer(block):
                yield match["name"], block.strip()


def draft(blocks: Mapping[str, str], wanted: Mapping[str, str], made: Mapping[str, str]) -> str:
    """The migration that brings functions from `made` to `wanted`; what else differs stands in it as a comment.

    Args:
        blocks: the schema's functions by name.
        wanted, made: catalogues of the schema and of the migrations.

    Returns:
        Empty where nothing differs.
    """
    differing = sorted(key for key in wanted.keys() | made.keys() if wanted.get(key) != made.get(key))
    routines = [key for key in differing if key.startswith("functions ")]
    gone = [key for key in routines if key in made and _returns(wanted.get(key)) != _returns(made[key])]
    dropped = [f"drop function {key.removeprefix('functions ')};" for key in gone]
    names = {key.removeprefix("functions ").partition("(")[0] for key in routines if key in wanted}
    replaced = [
        _FUNCTION.sub(lambda match: f"create or replace function {match['name']}(", blocks[name])
        for name in blocks
        if name in names
    ]
    prices = [wanted[key] for key in differing if key.startswith("prices ") and key in wanted]
    by_hand = [key for key in differing if key not in routines and not (key.startswith("prices ") and key in wanted)]
    after = {call for part, call in _AFTER.items() if any(key.startswith(part) for key in differing)}
    return _BLOCKS.join(
        filter(
            None,
            [
                "\n".join(f"-- By hand: {key}" for key in by_hand),
                "\n".join(dropped),
                *replaced,
                _PRICES + ",\n    ".join(prices) + _NEWER_PRICES if prices else "",
                "\n".join(sorted(after)),
            ],
        )
    )


def _returns(definition: str | None) -> str | None:
    """What a function returns: no replacement may change it."""
    found = _RETURNS.search(definition or "")
    return found[0] if found else None


def bare(server: Cluster, name: str) -> str:
    """Make a database as a hosted project starts out, and say how to connect as its owner."""
    with psycopg.connect(server.dsn(cluster.SUPERUSER), autocommit=True) as superuser:
        superuser.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    with psycopg.connect(server.dsn(cluster.SUPERUSER, name)) as connection:
        connection.execute((PROJECT / "store" / "embedded" / "bootstrap.sql").read_bytes())
    return server.dsn(cluster.OWNER, name)


def catalogue_of_schema(conninfo: str) -> dict[str, str]:
    """The catalogue that the schema files make in an empty database."""
    with psycopg.connect(conninfo) as connection:
        for path in schema_files():
            connection.execute(path.read_bytes())
        return catalogue(connection)


def catalogue_of_migrations(conninfo: str) -> dict[str, str]:
    """The catalogue that the migrations make in an empty database."""
    migrate(conninfo, exclusive=False)
    with psycopg.connect(conninfo) as connection:
        return catalogue(connection)


@contextmanager
def _server() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Cluster(Path(folder) / "data")
        server.attach()
        try:
            bring_up(server)  # makes the roles, for all databases of the server
            yield server
        finally:
            server.leave()


def main(name: str) -> None:
    """Write the draft beside the other migrations."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit("Name the migration in lower case: make migration NAME=what_it_does")
    with _server() as server:
        text = draft(
            dict(functions(schema_files())),
            catalogue_of_schema(bare(server, "wanted")),
            catalogue_of_migrations(bare(server, "made")),
        )
    if not text:
        sys.exit("The migrations already make the schema; edit supabase/schemas first.")
    latest = migrations()[-1].version
    path = FOLDER / f"{max(format(clock.now(), '%Y%m%d%H%M%S'), str(int(latest) + 1))}_{name}.sql"
    path.write_text(text + "\n", encoding="utf-8")
    print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
