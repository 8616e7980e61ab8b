"""Consoles of a hosted project, and browsers that open them without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.site import Site
from store.hosted.supabase import SupabaseStore
from tests.hosted.project import HostedProject


@dataclass(frozen=True, slots=True)
class Console:
    """A console, as one process of one host serves it."""

    site: Site
    app: Starlette

    @property
    def store(self) -> SupabaseStore:
        """Its store."""
        return self.site.store()

    def browser(self, address: str = "203.0.113.1") -> TestClient:
        """A browser of its own, at an IP address; it does not follow redirects."""
        origin = self.site.public_url or "http://localhost"
        return TestClient(self.app, origin, client=(address, 50_000), follow_redirects=False)


class MakeConsole(Protocol):
    """Creates consoles."""

    def __call__(self, project: HostedProject | None = None, *, base: str = "", **environment: str) -> Console:
        """A console of this project, by default the shared one, with further variables, below a path."""
