"""A stand-in for Supabase Auth: the same endpoints, answers, errors, redirects and sessions, without a database."""

from __future__ import annotations

from tests.supabase_auth.one_time_code import totp
from tests.supabase_auth.records import Mail
from tests.supabase_auth.server import AuthServer
from tests.supabase_auth.signing import Signing
from tests.supabase_auth.users import Factor, User

__all__ = ["AuthServer", "Factor", "Mail", "Signing", "User", "totp"]
