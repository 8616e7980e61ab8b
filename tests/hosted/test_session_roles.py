"""A change of role counts at once for people who are signed in."""

from __future__ import annotations

import psycopg
import pytest

from store import NotPermitted
from store.caller import who_is
from store.hosted.supabase import SupabaseStore
from tests.hosted.project import NewPerson
from tests.hosted.session_rig import MakeStore, found, make_store_fixture, opened, store_fixture

__all__ = ["make_store_fixture", "store_fixture"]


@pytest.mark.usefixtures("look_always")
def test_a_change_of_role_reaches_the_session(
    make_store: MakeStore, store: SupabaseStore, new_person: NewPerson
) -> None:
    """An admin's change counts for people who are signed in, on every host, without signing in again."""
    person, other_host = new_person("engineer"), make_store()
    admin = store.signed_in(found(store, opened(store, new_person("admin").email)))
    secret = opened(store, person.email)
    for role in ("engineer", "pm", "admin", None, "engineer"):
        admin.call("set_role", p_person=person.id, p_role=role)
        assert [found(host, secret).role for host in (store, other_host)] == [role, role]
        assert who_is(store.signed_in(found(store, secret))).role == role


@pytest.mark.usefixtures("look_always")
def test_whoever_lost_their_role_can_do_nothing_more(
    store: SupabaseStore, new_person: NewPerson, project_owner: psycopg.Connection
) -> None:
    """The database decides at each call, even while the session and its token are still good."""
    person = new_person("admin")
    database = store.signed_in(found(store, opened(store, person.email)))
    database.call("check_permission", p_permission="manage_people")
    project_owner.execute("delete from public.console_roles where user_id = %s", [person.id])
    with pytest.raises(NotPermitted):
        database.call("check_permission", p_permission="manage_people")
