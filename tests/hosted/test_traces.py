"""Sign-ins leave ids in the audit log, and no address or secret there or in any log line."""

from __future__ import annotations

import logging
import re

import psycopg
import pytest

from store.caller import COOKIE
from tests.database.calls import AuditLog
from tests.hosted.authenticator import code_of
from tests.hosted.consoles import Console
from tests.hosted.forms import UNFINISHED, is_let_in, sign_in
from tests.hosted.project import PASSWORD, NewPerson, latest_events
from tests.supabase_auth import AuthServer, User


def test_events_hold_ids_only(
    console: Console, new_person: NewPerson, audit_log: AuditLog, project_owner: psycopg.Connection
) -> None:
    """Signing in, being refused and signing out are recorded, without anybody's address."""
    person, browser = new_person(), console.browser("203.0.113.77")
    sign_in(browser, person.email, "a wrong password")
    sign_in(browser, person.email)
    browser.post("/sign-out", data={})
    assert sorted(audit_log.changes()) == ["CONSOLE_SIGNED_IN", "CONSOLE_SIGNED_OUT", "CONSOLE_SIGN_IN_REFUSED"]
    for action, user in (("CONSOLE_SIGNED_IN", person.id), ("CONSOLE_SIGNED_OUT", person.id)):
        [event] = latest_events(project_owner, action)
        assert (event["user_id"], event["actor_id"], event["entity_type"], event["entity_id"]) == (
            user, user, "person", user,
        )  # fmt: skip
        assert event["user_agent"] == "testclient"
    [refused] = latest_events(project_owner, "CONSOLE_SIGN_IN_REFUSED")
    assert (refused["user_id"], refused["severity"], refused["ip_address"]) == (None, "warning", "203.0.113.77")
    assert re.fullmatch(r"[0-9a-f]{16}", str(refused["entity_id"]))
    texts = project_owner.execute("select to_jsonb(a)::text from public.audit_logs as a").fetchall()
    assert [text for (text,) in texts if "@" in text or person.email.partition("@")[0] in text] == []


def test_logs_hold_no_address_and_no_secret(
    console: Console, authenticator: tuple[User, str], auth: AuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Even at the most talkative level, no log line holds an address, a password, a token or a cookie."""
    (person, secret), browser = authenticator, console.browser()
    with caplog.at_level(logging.DEBUG):
        sign_in(browser, person.email, "a wrong password")
        sign_in(browser, person.email)
        sealed = browser.cookies[UNFINISHED]
        browser.post("/sign-in", data={"code": code_of(secret)})
        assert is_let_in(browser)
        cookie = browser.cookies[COOKIE]
        [session] = [session for session in auth.sessions.values() if session.user_id == person.id]
        browser.post("/auth/reset", data={"email": person.email})
        browser.post("/sign-out", data={})
    assert caplog.records
    told = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    for private in (person.email, "a wrong password", PASSWORD, cookie, sealed, session.refresh_token, "eyJ"):
        assert private not in told
