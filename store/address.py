"""What is wrong with a database's address that somebody typed, without repeating any of it: it holds a password."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from store.errors import StoreError, Unavailable, from_state

ADDRESS_ERRORS = (psycopg.Error, UnicodeError)
"""What a connection can raise that is made from an address somebody typed."""

_LOCK_NOT_AVAILABLE = "55P03"
_NOT_UNDERSTOOD = "The database's address is not understood; it looks like postgresql://user:password@host/db."
_UNESCAPED = (
    "The password in the database's address holds one of @ / # ? % or a blank; write it percent-encoded: "
    "%40 %2F %23 %3F %25 %20."
)
_LOCKED = "Somebody else is migrating this database, or left a lock behind; wait until they are done, and try again."
_DIRECT_HOST = re.compile(r"db\.\w+\.supabase\.co")
_BY_WORDS = (
    ("invalid URI query parameter", "What follows the ? in the database's address is another program's; leave it out."),
    ("invalid percent-encoded token", _UNESCAPED),
    ("forbidden value", _UNESCAPED),
    ("unexpected spaces", _UNESCAPED),
    ("password authentication failed", "The database refused the user or the password in its address."),
    ("no password supplied", "The database's address holds no password."),
    ("Tenant or user not found", "The pooler does not know this user; it looks like postgres.abcdefgh."),
    ("does not support SSL", "The database offers no encryption, which its address asks for."),
    ("Connection refused", "Nothing answers at the database's address; check its host and port."),
)


def from_driver(error: Exception, conninfo: str) -> StoreError:
    """Our error for one of `ADDRESS_ERRORS`.

    Args:
        conninfo: the address that was tried.
    """
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state == _LOCK_NOT_AVAILABLE:
        return Unavailable(_LOCKED)
    if state and not state.startswith("28"):
        return from_state(state, error.diag.message_primary if isinstance(error, psycopg.Error) else None)
    return Unavailable(_sentence(str(error), conninfo))


def _sentence(words: str, conninfo: str) -> str:
    if "YOUR-PASSWORD" in conninfo:
        return "The database's address still says [YOUR-PASSWORD]; put the password there."
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
            "The database cannot be reached. The direct address of a project is reached over IPv6 only: where there is "
            "none, use that of the session pooler (dashboard, Connect)."
        )
    return "The database cannot be reached; check its address, user and password."
