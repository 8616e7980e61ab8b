"""Sign-ins: refused, renewed, shared by threads, never mixed up."""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from store import Json, NotSignedIn
from store.identity import PasswordLogin
from tests.database.calls import SECRET, field_of
from tests.database.conftest import MakeSupabaseStore
from tests.database.gateway import Gateway, Person
from tests.database.sides import ADMIN, COLLEAGUE, ENGINEER, EXPIRED, EXPIRED_ONCE, FORGED, GARBAGE, SHORT, Side


@pytest.mark.parametrize("email", [ENGINEER.email, "nobody@example.com"])
def test_a_wrong_password_is_not_signed_in(url: str, make_supabase_store: MakeSupabaseStore, email: str) -> None:
    """Auth's refusal names the e-mail address, and never what was typed as the password."""
    database = make_supabase_store(url).database(PasswordLogin(email, SECRET))
    with pytest.raises(NotSignedIn, match=email) as caught:
        database.call("whoami")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("person", [EXPIRED, GARBAGE, FORGED], ids=str)
def test_a_token_that_is_not_good_is_not_signed_in(supabase_side: Side, person: Person) -> None:
    """An expired, garbled or forged token is rejected, and never treated as an anonymous user."""
    with pytest.raises(NotSignedIn) as caught:
        supabase_side.seen_by(person).call("probe_caller")
    shown = "".join(traceback.format_exception(caught.value))
    assert person.new_token().rpartition(".")[2] not in shown
    assert person.login.password not in shown


def test_a_refused_token_is_not_used_again(supabase_side: Side) -> None:
    """After a refusal (the machine slept, the project's secret changed), the next call signs in again."""
    database = supabase_side.seen_by(EXPIRED_ONCE)
    with suppress(NotSignedIn):
        database.call("whoami")
    assert field_of(database.call("whoami"), "email") == EXPIRED_ONCE.email


def test_a_session_is_renewed_before_it_ends(supabase_side: Side, gateway: Gateway) -> None:
    """A token with less than a minute left is not used for another call."""
    before = gateway.sign_ins[SHORT.email]
    for _ in range(2):
        supabase_side.seen_by(SHORT).call("whoami")
    assert gateway.sign_ins[SHORT.email] == before + 2


def test_threads_share_one_sign_in(url: str, gateway: Gateway, make_supabase_store: MakeSupabaseStore) -> None:
    """Sixteen first calls at once sign in once."""
    before, database = gateway.sign_ins[COLLEAGUE.email], make_supabase_store(url).database(COLLEAGUE.login)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: field_of(database.call("whoami"), "email"), range(16)))
    assert answers == [COLLEAGUE.email] * 16
    assert gateway.sign_ins[COLLEAGUE.email] == before + 1


def test_threads_never_cross_identities(side: Side) -> None:
    """Sixteen threads with three identities over one pool each get their own answers."""
    people = (ADMIN, ENGINEER, None)
    databases = [side.seen_by(person) for person in people]
    expected = [person.user_id if person else None for person in people]

    def ask(number: int) -> Json:
        return field_of(databases[number % 3].call("probe_caller"), "user_id")

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(ask, range(480)))
    assert answers == [expected[number % 3] for number in range(480)]
