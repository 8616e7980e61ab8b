"""A small HTTP server on a free port: it speaks both providers' protocols and misbehaves on request, byte by byte.

A test scripts it: `server.script("openai", cut_stream(), reply())`. Each request to that provider gets the next
behaviour; the last one stays. Without a script, a provider answers with a valid workflow.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tests.providers.behaviours import reply, status
from tests.providers.exchange import Behaviour, Exchange, Received
from tests.providers.wire_events import ProviderName

PATHS: dict[str, ProviderName] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}


_REFUSED_KEYWORDS = {"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum", "oneOf", "allOf"}


class ModelServer:
    """Both providers on one port.

    Attributes:
        requests: the requests received, in order of arrival.
        ended: the numbers of the requests whose answers have ended, in the order in which they ended.
        broken: errors in the server itself; a test must leave it empty.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.ended: list[int] = []
        self.broken: list[str] = []
        self.port = 0
        self._scripts: dict[ProviderName, list[Behaviour]] = {}
        self._used: Counter[ProviderName] = Counter()
        self._arrivals: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="model-server", daemon=True)
        self._listener: asyncio.Server | None = None

    def open(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def close(self) -> None:
        """End every connection and the thread."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def forget(self) -> None:
        """Reset every connection and start from scratch."""
        asyncio.run_coroutine_threadsafe(self._break_off(), self._loop).result(10)
        self.requests, self.ended, self.broken = [], [], []
        self._scripts.clear()
        self._used.clear()
        self._arrivals.clear()

    def script(self, provider: ProviderName, *behaviours: Behaviour) -> None:
        """Set how the next requests to a provider are answered; the last behaviour stays."""
        self._scripts[provider] = list(behaviours)
        self._used[provider] = 0

    def environment(self) -> dict[str, str]:
        """The environment that points both SDKs here."""
        root = f"http://127.0.0.1:{self.port}"
        return {"OPENAI_BASE_URL": f"{root}/v1", "ANTHROPIC_BASE_URL": root}

    def wait_for(self, count: int, timeout_s: float = 10.0) -> bool:
        """Wait until this many requests have arrived; from any thread but the server's."""
        with self._news:
            return self._news.wait_for(lambda: len(self.requests) >= count, timeout_s)

    def wait_for_ends(self, count: int, timeout_s: float = 10.0) -> bool:
        """Wait until this many answers have ended."""
        with self._news:
            return self._news.wait_for(lambda: len(self.ended) >= count, timeout_s)

    async def arrived(self, count: int) -> None:
        """For behaviours: wait until this many requests have arrived."""
        await self._arrivals[count].wait()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._listener:
            self._listener.close()
        await self._break_off()

    async def _break_off(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            received = await self._receive(reader)
            exchange = Exchange(received, self, reader, writer)
            # Most of these behaviours are meant to make the client disconnect.
            with contextlib.suppress(ConnectionError):
                await self._behaviour(received)(exchange)
            self._tell(lambda: self.ended.append(received.number))
        except asyncio.IncompleteReadError:
            """A connection on which nothing was asked."""
        except Exception as error:
            self.broken.append(repr(error))
            raise
        finally:
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        provider = PATHS.get(path.partition("?")[0], "openai")
        number = len(self.requests)
        received = Received(number, provider, method, path, headers, json.loads(body or b"{}"))
        self._tell(lambda: self.requests.append(received))
        self._arrivals[len(self.requests)].set()
        return received

    def _tell(self, change: Callable[[], None]) -> None:
        with self._news:
            change()
            self._news.notify_all()

    def _behaviour(self, received: Received) -> Behaviour:
        if any(outside_strict(_schema(received))):
            return status(400, b'{"error": {"type": "invalid_request_error", "code": "invalid_schema"}}')
        script = self._scripts.get(received.provider) or [reply()]
        number = min(self._used[received.provider], len(script) - 1)
        self._used[received.provider] += 1
        return script[number]


def outside_strict(schema: Any, path: str = "$") -> Iterator[str]:
    """What the providers' strict modes reject in a JSON schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from outside_strict(item, path)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        properties = schema.get("properties")
        if schema.get("additionalProperties") is not False or not properties:
            yield f"{path} is open"
        elif set(schema.get("required", ())) != set(properties):
            yield f"{path} has optional properties"
    for name, inner in schema.items():
        if name in _REFUSED_KEYWORDS:
            yield f"{path} has {name}"
        yield from outside_strict(inner, f"{path}.{name}")


def _schema(received: Received) -> Any:
    body = received.body
    if received.provider == "openai":
        return body.get("response_format", {}).get("json_schema", {}).get("schema")
    return body.get("output_config", {}).get("format", {}).get("schema")
