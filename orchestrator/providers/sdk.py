"""A provider behind its SDK, which is imported and whose client is created on first use.

That takes a second or more, and many processes need only one.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, Protocol, TypeVar

import httpx2

from orchestrator.providers.http import http_client
from orchestrator.providers.provider import ModelRequest, ReplyEvent
from orchestrator.providers.stream import ReplyState, reply_events


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


class SdkProvider(ABC, Generic[ClientT]):
    """A `Provider` that sends its requests with an SDK."""

    def __init__(
        self, api_key: str, *, base_url: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._transport = transport
        self._sdk = LazyClient(self._made)

    def warm(self) -> None:
        """See `Provider.warm`."""
        self._sdk.ready()

    def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyEvent]:
        """See `Provider.stream`."""
        return reply_events(lambda: self._response(self._sdk.ready(), request), self._state(), self._api_key)

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._sdk.aclose()

    def _made(self) -> ClientT:
        return self._client(api_key=self._api_key, max_retries=0, http_client=http_client(self._transport))

    @abstractmethod
    def _client(self, **options: Any) -> ClientT:
        """The SDK's client, with these options and the base URL."""

    @abstractmethod
    def _response(self, client: ClientT, request: ModelRequest) -> Any:
        """The SDK's streamed raw response, which sends the request when entered."""

    @abstractmethod
    def _state(self) -> ReplyState:
        """The state of a reply of which nothing has arrived yet."""
