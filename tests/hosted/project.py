"""A hosted project of one's own: real PostgREST on real Postgres, and the stand-in for Auth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg

from store import Json
from store.embedded import cluster
from store.embedded.cluster import Cluster
from tests.database import postgrest
from tests.database.gateway import API_KEY, API_KEYS, Gateway, serving
from tests.supabase_auth import AuthServer, Signing, User

PASSWORD = "a good long password"
MACHINE = "machine@example.com"
COOKIE_SECRET = "the secret of this installation's cookies"
ADMIN, PM, ENGINEER = "admin@example.com", "pm@example.com", "engineer@example.com"
ROLES = {ADMIN: "admin", PM: "pm", ENGINEER: "engineer", MACHINE: "orchestrator"}
STRANGER = "stranger@example.com"


@dataclass(frozen=True, slots=True)
class HostedProject:
    """A project with one user per role, one without, and the orchestrator's own.

    Attributes:
        url: what SUPABASE_URL would be.
        owner: libpq string of the database's owner.
    """

    url: str
    owner: str
    auth: AuthServer
    people: dict[str, User]

    def environment(self, data_dir: Path) -> dict[str, str]:
        """What a console of this project needs."""
        return {
            "SUPABASE_URL": self.url,
            "SUPABASE_KEY": API_KEY,
            "ORCHESTRATOR_EMAIL": MACHINE,
            "ORCHESTRATOR_PASSWORD": PASSWORD,
            "ORCHESTRATOR_COOKIE_SECRET": COOKIE_SECRET,
            "ORCHESTRATOR_DATA_DIR": str(data_dir),
            "NO_PROXY": "127.0.0.1,localhost",
        }


@contextmanager
def hosted_project(
    server: Cluster, database: str, folder: Path, *, signing: Signing | None = None
) -> Iterator[HostedProject]:
    """A project over a migrated database.

    Args:
        folder: for the log of PostgREST.
        signing: how Auth signs its tokens; with keys of its own by default, as new projects do.
    """
    program = postgrest.find_postgrest()
    if program is None:
        raise FileNotFoundError(f"PostgREST is not there; run: {postgrest.INSTALL}")
    signing = signing or Signing.es256()
    owner = server.dsn(cluster.OWNER, database)
    with ExitStack() as stack:
        auth = AuthServer(api_keys=API_KEYS, signing=signing, on_user=_mirror(owner))
        uri = server.uri(cluster.AUTHENTICATOR, database)
        rest = stack.enter_context(
            postgrest.running(program, uri, signing.postgrest_secret(), folder / "postgrest.log")
        )
        url = stack.enter_context(serving(Gateway(rest, auth=auth).app))
        auth.url = url
        people = {email: auth.add_user(email, PASSWORD) for email in (*ROLES, STRANGER)}
        with psycopg.connect(owner) as connection:
            for email, role in ROLES.items():
                connection.execute(
                    "insert into public.console_roles (user_id, role) values (%s, %s) on conflict do nothing",
                    [people[email].id, role],
                )
        yield HostedProject(url, owner, auth, people)


class NewPerson(Protocol):
    """Creates people."""

    def __call__(self, role: str | None = "engineer") -> User:
        """Somebody with a confirmed address, the usual password, and this role."""


def latest_events(owner: psycopg.Connection, action: str, limit: int = 1) -> list[dict[str, Json]]:
    """The newest audit events of an action, as objects by column name."""
    query = "select to_jsonb(a) from public.audit_logs as a where action = %s order by timestamp desc limit %s"
    return [row for (row,) in owner.execute(query, [action, limit])]


def _mirror(owner: str) -> Callable[[User], None]:
    """Keeps `auth.users` and `auth.mfa_factors` as Auth itself would."""

    def mirror(user: User) -> None:
        with psycopg.connect(owner) as connection:
            connection.execute(
                """
                insert into auth.users (id, email, banned_until, deleted_at) values (%s, %s, %s, %s)
                on conflict (id) do update
                set email = excluded.email, banned_until = excluded.banned_until, deleted_at = excluded.deleted_at
                """,
                [user.id, user.email, user.banned_until, user.deleted_at],
            )
            connection.execute("delete from auth.mfa_factors where user_id = %s", [user.id])
            for factor in user.factors:
                connection.execute(
                    "insert into auth.mfa_factors (id, user_id, status) values (%s, %s, %s)",
                    [factor.id, user.id, factor.status],
                )

    return mirror
