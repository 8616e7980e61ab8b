"""An SDK client, imported and created on first use: that takes a second or more, and many processes need only one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """The common interface of both SDKs' asynchronous clients."""

    async def close(self) -> None:
        """Close every connection."""


ClientT = TypeVar("ClientT", bound=Closable)


class LazyClient(Generic[ClientT]):
    """One client, created on first use from any thread."""

    def __init__(self, make: Callable[[], ClientT]) -> None:
        self._make = make
        self._client: ClientT | None = None
        self._guard = threading.Lock()

    def ready(self) -> ClientT:
        """The client, created if necessary."""
        with self._guard:
            if self._client is None:
                self._client = self._make()
            return self._client

    async def aclose(self) -> None:
        """Close the client if it was created."""
        if self._client is not None:
            await self._client.close()
