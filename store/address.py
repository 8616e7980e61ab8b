"""Explains what is wrong with a database URL that somebody typed, without quoting it: it contains a password."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from store.errors import StoreError, Unavailable, from_state

ADDRESS_ERRORS = (psycopg.Error, UnicodeError)
"""What connecting can raise when the URL was typed by somebody."""

_LOCK_NOT_AVAILABLE = "55P03"
_NOT_UNDERSTOOD = "The database URL is malformed; it should look like postgresql://user:password@host/db."
_UNESCAPED = (
    "The password in the database URL contains one of @ / # ? % or a space; write it percent-encoded: "
    "%40 %2F %23 %3F %25 %20."
)
_LOCKED = "Somebody else is migrating this database, or left a lock behind; wait until they are done and try again."
_DIRECT_HOST = re.compile(r"db\.\w+\.supabase\.co")
_BY_WORDS = (
    ("invalid URI query parameter", "The part after ? in the database URL is for another program; leave it out."),
    ("invalid percent-encoded token", _UNESCAPED),
    ("forbidden value", _UNESCAPED),
    ("unexpected spaces", _UNESCAPED),
    ("password authentication failed", "The database rejected the user or the password in its URL."),
    ("no password supplied", "The database URL contains no password."),
    ("Tenant or user not found", "The pooler does not know this user; it should look like postgres.abcdefgh."),
    ("does not support SSL", "The database URL requires encryption, which the database does not support."),
    ("Connection refused", "Nothing answers at the database URL; check its host and port."),
)


def from_driver(error: Exception, conninfo: str) -> StoreError:
    """Our error for one of `ADDRESS_ERRORS`.

    Args:
        conninfo: the URL that was tried.
    """
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state == _LOCK_NOT_AVAILABLE:
        return Unavailable(_LOCKED)
    if state and not state.startswith("28"):
        return from_state(state, error.diag.message_primary if isinstance(error, psycopg.Error) else None)
    return Unavailable(_sentence(str(error), conninfo))


def _sentence(words: str, conninfo: str) -> str:
    if "YOUR-PASSWORD" in conninfo:
        return "The database URL still contains [YOUR-PASSWORD]; replace it with the password."
    for sign, sentence in _BY_WORDS:
        if sign in words:
            return sentence
    try:
        parts = conninfo_to_dict(conninfo)
    except ADDRESS_ERRORS:
        return _NOT_UNDERSTOOD
    host = str(parts.get("host") or "")
    if "@" in host or "@" in str(parts.get("dbname") or "") or not str(parts.get("port") or "0").isdecimal():
        return _UNESCAPED
    if _DIRECT_HOST.fullmatch(host):
        return (
            "The database cannot be reached. A project's direct address works over IPv6 only; without IPv6, use the "
            "address of the session pooler (dashboard, Connect)."
        )
    return "The database cannot be reached; check its URL, user and password."
