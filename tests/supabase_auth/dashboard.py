"""What a project's owner does in the dashboard, for tests to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from uuid import uuid4

from store import clock
from tests.supabase_auth.factors import new_factor
from tests.supabase_auth.project import Project
from tests.supabase_auth.records import SsoProvider
from tests.supabase_auth.signing import Signing
from tests.supabase_auth.users import User


class Dashboard(Project):
    """The project in the hands of its owner, from any thread."""

    def __init__(
        self, *, api_keys: Collection[str], signing: Signing, on_user: Callable[[User], None] | None = None
    ) -> None:
        super().__init__(api_keys=api_keys, signing=signing, on_user=on_user)
        self.lock = threading.RLock()

    def add_user(self, email: str, password: str | None, *, user_id: str | None = None, confirmed: bool = True) -> User:
        """Create a user."""
        with self.lock:
            if self.user_with(email):
                raise ValueError(f"There is a user {email} already.")
            user = self.new_user(email, "email", user_id)
            user.password = password
            if confirmed:
                user.confirm()
            self.changed(user)
            return user

    def ban(self, email: str, until: datetime | None) -> None:
        """Ban a user until then, or lift the ban; their sessions stay, but no longer work."""
        with self.lock:
            user = self._anyone_with(email)
            user.banned_until = until
            self.changed(user)

    def delete_user(self, email: str) -> None:
        """Delete a user, with their sessions and links; `on_user` sees them with `deleted_at`."""
        with self.lock:
            user = self._anyone_with(email)
            self.end_sessions(lambda session: session.user_id == user.id)
            self.drop_links(user)
            del self.users[user.id]
            user.deleted_at = clock.now()
            self.changed(user)

    def enroll_totp(self, email: str) -> str:
        """Give a user an authenticator app that is set up already, and return its secret."""
        with self.lock:
            user = self._anyone_with(email)
            factor = new_factor(user, f"Authenticator app {len(user.factors) + 1}", verified=True)
            self.changed(user)
            return factor.secret

    def remove_factors(self, email: str) -> None:
        """Take away a user's authenticator apps, as for somebody who has lost their phone."""
        with self.lock:
            user = self._anyone_with(email)
            user.factors.clear()
            self.changed(user)

    def invite(self, email: str, *, redirect_to: str | None = None) -> str:
        """Invite somebody, again if they have not come yet, and return the link in the mail."""
        with self.lock:
            if self.url is None:
                raise ValueError("A link needs the project's address; set `url` first.")
            user = self.user_with(email) or self.new_user(email, "email")
            if user.confirmed_at:
                raise ValueError(f"{email} has an account already.")
            user.invited_at = clock.now()
            self.changed(user)
            return self.send_link(self.url, user, "invite", redirect_to or self.site_url)

    def add_provider(self, name: str, email: str) -> None:
        """Enable an OAuth provider, where this person is signed in; call it again for another person."""
        with self.lock:
            self.providers[name.lower()] = email

    def add_sso(self, domain: str, email: str) -> str:
        """Register a company's identity provider, where this person is signed in, and return its id."""
        with self.lock:
            known = (provider.id for provider in self.sso_providers.values() if provider.domain == domain.lower())
            provider_id = next(known, None) or str(uuid4())
            self.sso_providers[provider_id] = SsoProvider(provider_id, domain.lower(), email)
            return provider_id

    def revoke_all(self, email: str) -> None:
        """End every session of a user."""
        with self.lock:
            user = self._anyone_with(email)
            self.end_sessions(lambda session: session.user_id == user.id)

    def _anyone_with(self, email: str) -> User:
        """The user with this address, one of a company's identity provider only if there is no other."""
        others = (user for user in self.users.values() if user.email == email.lower())
        user = self.user_with(email) or next(others, None)
        if user is None:
            raise ValueError(f"There is no user {email}.")
        return user
