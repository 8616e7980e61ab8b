"""The schema files and the migrations make the same database, and each function stands in one place."""

from __future__ import annotations

from collections import Counter

import pytest

from store.embedded.cluster import Cluster
from store.migrate import migrations
from tests.database.schema import (
    SCHEMAS,
    bare,
    catalogue_of_migrations,
    catalogue_of_schema,
    draft,
    functions,
    schema_files,
)

_FIRST = 14
"""How many migrations the first release had."""


@pytest.fixture(name="wanted", scope="module")
def wanted_fixture(server: Cluster) -> dict[str, str]:
    """The catalogue of the schema files."""
    return catalogue_of_schema(bare(server, "schema_wanted"))


@pytest.fixture(name="made", scope="module")
def made_fixture(server: Cluster) -> dict[str, str]:
    """The catalogue of the migrations."""
    return catalogue_of_migrations(bare(server, "schema_made"))


def test_migrations_make_the_schema(wanted: dict[str, str], made: dict[str, str]) -> None:
    """Columns, constraints, indexes, policies, triggers, grants, comments and function texts are equal."""
    assert made == wanted


def test_the_catalogue_holds_every_kind(wanted: dict[str, str]) -> None:
    """A comparison of two empty catalogues would prove nothing."""
    kinds = Counter(key.partition(" ")[0] for key in wanted)
    expected = {
        "columns",
        "comments",
        "constraints",
        "functions",
        "indexes",
        "policies",
        "schemas",
        "tables",
        "triggers",
    }
    assert kinds.keys() >= expected
    assert kinds["functions"] == len(list(functions(schema_files()))) + 1  # an aggregate


def test_each_function_is_defined_once() -> None:
    """Nobody has to look for the definition that holds."""
    text = "".join(path.read_text(encoding="utf-8") for path in schema_files())
    counted = Counter(name for name, _ in functions(schema_files()))
    assert [name for name, times in counted.items() if times > 1] == []
    assert "create or replace" not in text


def test_a_draft_replaces_the_functions_that_differ(wanted: dict[str, str], made: dict[str, str]) -> None:
    """A changed function is replaced, one with another result is dropped first, and a column is left to its author."""
    blocks = dict(functions(schema_files()))
    changed = dict(made)
    text, result = "functions public.whoami()", "functions private.uuid_or_null(text)"
    changed[text] += "changed"
    changed[result] = changed[result].replace("RETURNS uuid", "RETURNS text")
    del changed["columns public.workflows.sample"]
    drafted = draft(blocks, wanted, changed)

    assert "-- By hand: columns public.workflows.sample" in drafted
    assert "drop function private.uuid_or_null(text);" in drafted
    assert drafted.count("create or replace function") == 2
    assert "create or replace function public.whoami()" in drafted
    assert "grant execute on function public.whoami() to authenticated;" in drafted


def test_a_draft_knows_prices_new_keys_and_counters(wanted: dict[str, str], made: dict[str, str]) -> None:
    """Prices are inserted, missing keys added, counters with another column counted again."""
    lacking = {key: text for key, text in made.items() if not key.startswith("prices gpt-4o-mini")}
    lacking["functions private.system_keys()"] += "changed"
    del lacking["columns public.generation_rollups.cost_usd"]
    drafted = draft(dict(functions(schema_files())), wanted, lacking)

    assert "('gpt-4o-mini', '2024-07-18', NULL, '0.15', '0.075', NULL, '0.60')" in drafted
    assert drafted.endswith("select private.add_missing_keys();\nselect private.rebuild_rollups();")


def test_a_draft_of_nothing_is_empty(wanted: dict[str, str], made: dict[str, str]) -> None:
    """Where schema and migrations agree there is nothing to write."""
    assert draft(dict(functions(schema_files())), wanted, made) == ""


def test_the_first_migrations_are_cut_like_the_schema() -> None:
    """A reader of either finds the same nouns in the same order."""
    nouns = [path.stem.partition("_")[2] for path in schema_files()][:_FIRST]
    assert [migration.name for migration in migrations()][: len(nouns)] == nouns
    assert SCHEMAS.is_dir()
