"""`python -m store` over the embedded database: what it prints, what it leaves behind, its exit codes."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from store.embedded.database import bring_up
from tests.cluster.conftest import Person, attached, fallback_is_off, servers, switch_fallback_off


def test_dsn_prints_one_line_that_connects(data_dir: Path, me: Person) -> None:
    """It connects as the schema's owner, who is not a superuser; the server keeps running until it is stopped."""
    outcome = me.run(data_dir, "dsn")
    assert (outcome.returncode, outcome.stderr, outcome.stdout.count("\n")) == (0, "", 1)
    with psycopg.connect(outcome.stdout.strip()) as connection:
        row = connection.execute("select current_user, current_setting('is_superuser')").fetchone()
        assert row == ("postgres", "off")
    assert len(servers(data_dir)) == 1
    assert me.run(data_dir, "dsn").stdout == outcome.stdout


def test_stop_stops_and_may_be_repeated(data_dir: Path, me: Person) -> None:
    """Both calls succeed."""
    assert me.run(data_dir, "dsn").returncode == 0
    assert me.run(data_dir, "stop").returncode == 0
    assert servers(data_dir) == []
    assert me.run(data_dir, "stop").returncode == 0


def test_stop_makes_nothing(data_dir: Path, me: Person) -> None:
    """In a missing folder there is nothing to stop."""
    assert me.run(data_dir, "stop").returncode == 0
    assert not data_dir.exists()


@pytest.mark.long
def test_a_server_that_was_left_running_serves_the_program(data_dir: Path, me: Person) -> None:
    """The server is still running when the program has left."""
    assert me.run(data_dir, "dsn").returncode == 0
    switch_fallback_off(data_dir)
    assert fallback_is_off(data_dir)
    assert len(servers(data_dir)) == 1


@pytest.mark.long
def test_reset_removes_the_data(data_dir: Path, me: Person) -> None:
    """It works even under a running server; the next start creates new data."""
    switch_fallback_off(data_dir)
    assert me.run(data_dir, "dsn").returncode == 0
    assert me.run(data_dir, "reset").returncode == 0
    assert servers(data_dir) == []
    assert not (data_dir / "server").exists()
    assert not fallback_is_off(data_dir)


@pytest.mark.long
def test_reset_removes_data_that_nothing_can_open(data_dir: Path, me: Person) -> None:
    """Data of another Postgres version can be removed with a reset."""
    switch_fallback_off(data_dir)
    (data_dir / "server" / "postgres" / "PG_VERSION").write_text("17\n")
    assert me.run(data_dir, "reset").returncode == 0
    assert not fallback_is_off(data_dir)


def test_migrate_brings_the_embedded_database_up_to_date(data_dir: Path, me: Person) -> None:
    """It says so and leaves no server running."""
    outcome = me.run(data_dir, "migrate")
    assert (outcome.returncode, outcome.stdout) == (0, "")
    assert "up to date" in outcome.stderr
    assert servers(data_dir) == []


@pytest.mark.parametrize("arguments", [[], ["start"], ["dsn", "extra"], ["grant", "a@b.c", "king"]])
def test_wrong_usage_ends_with_two(data_dir: Path, me: Person, arguments: list[str]) -> None:
    """Nothing is created."""
    outcome = me.run(data_dir, *arguments)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert "usage" in outcome.stderr
    assert not data_dir.exists()


def test_grant_without_a_project_is_wrong_usage(data_dir: Path, me: Person) -> None:
    """The embedded database has one user, who is already its admin."""
    outcome = me.run(data_dir, "grant", "a@b.c", "admin")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("command", ["migrate", "recount"])
def test_a_hosted_project_is_not_mistaken_for_the_embedded_one(data_dir: Path, me: Person, command: str) -> None:
    """With a project but without its database URL, nothing is changed."""
    outcome = me.run(data_dir, command, SUPABASE_URL="https://project.example", SUPABASE_KEY="k")
    assert (outcome.returncode, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert "SUPABASE_DB_URL" in outcome.stderr
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("dsn", "/dev/null/data"),
        ("migrate", "/dev/null"),
        ("stop", "/" + "n" * 300),
        ("reset", "/dev/null/data"),
        ("dsn", "~nobody-has-this-name/data"),
    ],
)
def test_an_unusable_folder_gets_one_line(me: Person, command: str, folder: str) -> None:
    """No traceback, nothing on stdout, whether the name is meaningless or the folder cannot be created."""
    outcome = me.run(folder, command)
    assert (outcome.stdout, outcome.stderr.count("\n")) == ("", 1)
    assert outcome.returncode in ({1, 2} if folder.startswith("~") else {1})


@pytest.mark.parametrize("command", ["dsn", "migrate"])
def test_data_of_a_newer_version_is_left_alone(data_dir: Path, me: Person, command: str) -> None:
    """One line says what to do, and no server is left running."""
    with attached(data_dir) as server:
        bring_up(server)
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("insert into supabase_migrations.schema_migrations (version) values ('29990101000000')")
    outcome = me.run(data_dir, command)
    assert (outcome.returncode, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert "newer version" in outcome.stderr
    assert servers(data_dir) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "variables",
    [{"PGPORT": "5433"}, {"PGHOSTADDR": "127.0.0.1"}, {"PGOPTIONS": "-c role=anon"}],
    ids=lambda variables: next(iter(variables)),
)
def test_settings_for_another_postgres_do_not_matter(data_dir: Path, me: Person, variables: dict[str, str]) -> None:
    """A developer's shell may point psql at another server."""
    outcome = me.run(data_dir, "migrate", **variables)
    assert outcome.returncode == 0, outcome.stderr
