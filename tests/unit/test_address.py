"""What is wrong with a database URL, without quoting any of it."""

from __future__ import annotations

import psycopg
import pytest

from store.address import ADDRESS_ERRORS, from_driver


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("postgresql://u:s3cret@h/db?pgbouncer=true", "for another program"),
        ("postgresql://u:s3c%ret@h/db", "percent-encoded"),
        ("postgresql://u:s3c@ret@127.0.0.1:1/db", "percent-encoded"),
        ("postgresql://u:s3c/ret@h/db", "percent-encoded"),
        ("postgresql://u:s3c ret@h/db", "percent-encoded"),
        ("postgresql://postgres:[YOUR-PASSWORD]@127.0.0.1:1/db", r"\[YOUR-PASSWORD\]"),
        ("postgresql://u:s3cret@127.0.0.1:1/db", "Nothing answers"),
        ("nonsense s3cret", "is malformed"),
        ("postgresql://u:s3cret@h\udcff/db", "is malformed"),
    ],
)
def test_the_mistake_is_named(address: str, sentence: str) -> None:
    """The message depends on how libpq parses the URL."""
    with pytest.raises(ADDRESS_ERRORS) as raised:
        psycopg.connect(address, connect_timeout=2)
    error = from_driver(raised.value, address)

    assert "s3c" not in str(error)
    with pytest.raises(type(error), match=sentence):
        raise error


def test_a_direct_host_is_reached_over_ipv6_alone() -> None:
    """The message points to the pooler's address."""
    address = "postgresql://postgres:s3cret@db.abcdefgh.supabase.co:5432/postgres"
    error = from_driver(psycopg.OperationalError("failed to resolve host"), address)

    assert "session pooler" in str(error)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ('password authentication failed for user "u"', "rejected the user or the password"),
        ("FATAL:  Tenant or user not found", "The pooler does not know this user"),
        ("server does not support SSL, but SSL was required", "requires encryption"),
        ("fe_sendauth: no password supplied", "contains no password"),
    ],
)
def test_what_the_server_said(words: str, sentence: str) -> None:
    """The server's messages are reported in our own words."""
    assert sentence in str(from_driver(psycopg.OperationalError(words), "postgresql://u@h/db"))
