"""Gives a user of a hosted project a role in the console; needs the owner's database URL."""

from __future__ import annotations

import psycopg

from store import people
from store.address import ADDRESS_ERRORS, from_driver
from store.errors import InvalidInput

ROLES = (*people.ROLES, "orchestrator")
"""What can be granted: the roles of people, and that of the orchestrator's own user."""

_GRANT = """
select private.change_role(users.id, %(role)s) from auth.users where lower(users.email) = lower(%(email)s)
"""


def grant(conninfo: str, email: str, role: str) -> None:
    """Make the user with this e-mail address an admin, a product manager, an engineer, or the orchestrator's own user.

    Raises:
        InvalidInput: no user of the project has this address, or the console would lose its last admin.
        Unavailable: the database cannot be reached, or has not been migrated.
    """
    try:
        with psycopg.connect(conninfo, connect_timeout=15) as connection:
            if connection.execute(_GRANT, {"email": email, "role": role}).fetchone() is None:
                raise InvalidInput(
                    "The project has no user with this e-mail address; invite them in Supabase Auth first."
                )
    except psycopg.errors.RaiseException as error:
        raise InvalidInput(error.diag.message_primary) from None
    except ADDRESS_ERRORS as error:
        raise from_driver(error, conninfo) from None  # libpq quotes the URL, which contains the password
