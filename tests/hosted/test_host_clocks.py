"""A host whose clock is wrong opens sessions as good as any other's."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg
import pytest

from store import clock
from store.hosted.supabase import SupabaseStore
from tests.hosted.project import PASSWORD, NewPerson
from tests.hosted.session_rig import (
    START,
    found,
    make_store_fixture,
    move,
    python,
    store_fixture,
    user_of,
    variables_fixture,
)
from tests.supabase_auth import AuthServer, User, totp

__all__ = ["make_store_fixture", "store_fixture", "variables_fixture"]

_HOST_WITH_WRONG_CLOCK = f"""
import sys, time
from datetime import timedelta
wrong, right_time = float(sys.argv[1]), time.time
time.time = lambda: right_time() + wrong
from store import clock
clock.use(lambda: clock.system() + timedelta(seconds=wrong))
{START}
from store.identity import PasswordLogin
flow, *given = sys.argv[2:]
if flow == "link":
    tokens = store.auth.renew(given[1])
    store.auth.set_password(tokens, "a password chosen on this host")
else:
    tokens = store.auth.sign_in(PasswordLogin(*given[:2]))
if flow == "second factor":
    tokens = store.auth.verify_second_factor(tokens, given[2])
secret = store.browsers().open(tokens, "password", dict(ip_address=None, user_agent=None))
print(secret, store.signed_in(store.browsers().find(secret)).call("whoami")["user_id"])
"""
"""Signs somebody in on a host whose clock is wrong by so many seconds; prints the secret and who it is."""


def arguments_of(flow: str, person: User, auth: AuthServer) -> list[str]:
    """What a host is given to sign this person in."""
    if flow == "link":
        link = auth.send_link(auth.url or "", person, "recovery", "http://localhost/auth/accept")
        given = dict(parse_qsl(urlsplit(httpx.get(link).headers["location"]).fragment))
        return [given["access_token"], given["refresh_token"]]
    if flow == "password":
        return [person.email, PASSWORD]
    return [person.email, PASSWORD, totp(auth.enroll_totp(person.email), clock.now())]


@pytest.mark.parametrize("flow", ["password", "second factor", "link"])
@pytest.mark.parametrize("wrong_s", [3_600, -3_600], ids=["an hour ahead", "an hour behind"])
def test_a_hosts_wrong_clock_changes_nothing(
    store: SupabaseStore, new_person: NewPerson, auth: AuthServer, project_owner: psycopg.Connection,
    variables: dict[str, str], flow: str, wrong_s: int,
) -> None:  # fmt: skip
    """A session that such a host opened is good for as long as any other, there and elsewhere, and can be renewed."""
    person = new_person()
    auth.reuse_interval_s = 0
    given = arguments_of(flow, person, auth)
    run = python(_HOST_WITH_WRONG_CLOCK, str(wrong_s), flow, *given, variables=variables)
    assert (run.returncode, run.stderr) == (0, "")
    secret, user_id = run.stdout.split()
    assert user_id == person.id
    left = "select round(extract(epoch from access_ends_at - now()) / 600)::int from private.sessions"
    assert project_owner.execute(left).fetchall() == [(6,)]
    move(project_owner, "access_ends_at", 0)
    assert user_of(store, found(store, secret)) == person.id
