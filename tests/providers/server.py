"""A small HTTP server on a free port: it speaks as both providers do and misbehaves when told, byte by byte.

A test scripts it: `server.script("openai", cut_stream(), reply())`. Each request to that provider takes the next
behaviour, the last one stays. Without a script a provider answers a valid workflow.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

ProviderName = Literal["openai", "anthropic"]
Stop = Literal["complete", "truncated", "refused", "tool"]

PATHS: dict[str, ProviderName] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}
EVENT_STREAM = {"content-type": "text/event-stream"}

_REFUSED_KEYWORDS = {"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum", "oneOf", "allOf"}


@dataclass(frozen=True, slots=True)
class Told:
    """The token counts that a provider reports: `input` in the provider's own way of counting."""

    input: int = 1200
    cached: int = 0
    written: int = 0
    output: int = 300


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire."""

    number: int
    provider: ProviderName
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class Exchange:
    """One request and the connection on which to answer it, or not."""

    received: Received
    server: ModelServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Put bytes on the wire as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """A status line and headers; the body ends where the connection does unless a header says otherwise."""
        lines = [f"HTTP/1.1 {status} Scripted", "connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or EVENT_STREAM).items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; the empty one ends it."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def abandoned(self) -> None:
        """Wait until the client closes the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


Behaviour = Callable[[Exchange], Awaitable[None]]


class OpenAIFrames:
    """Chat Completions, streamed."""

    def start(self, told: Told) -> bytes:
        """What comes before any text."""
        return self._choice({"role": "assistant", "content": ""})

    def text(self, piece: str) -> bytes:
        """A piece of the reply."""
        return self._choice({"content": piece})

    def stop(self, stop: Stop, told: Told) -> bytes:
        """The finish reason."""
        names = {
            "complete": "stop",
            "truncated": "length",
            "refused": "content_filter",
            "tool": "tool_calls",
        }
        return self._choice({}, names[stop])

    def end(self, told: Told) -> bytes:
        """The usage and the end mark."""
        usage = {
            "prompt_tokens": told.input,
            "completion_tokens": told.output,
            "total_tokens": told.input + told.output,
            "prompt_tokens_details": {"cached_tokens": told.cached, "cache_write_tokens": told.written},
        }
        return self._event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n"

    def error(self, kind: str | None, code: str | int | None = None, message: str = "Failed.") -> bytes:
        """An error inside a stream that has begun."""
        return _sse({"error": {"message": message, "type": kind, "code": code, "param": None}})

    def _choice(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return self._event({"choices": [choice], "usage": None})

    def _event(self, fields: dict[str, Any]) -> bytes:
        frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
        return _sse(frame | fields)


class AnthropicFrames:
    """Messages, streamed."""

    def start(self, told: Told) -> bytes:
        """What comes before any text."""
        usage = {
            "input_tokens": told.input,
            "cache_read_input_tokens": told.cached,
            "cache_creation_input_tokens": told.written,
            "output_tokens": 1,
        }
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return _named({"type": "message_start", "message": message | {"usage": usage}}) + _named(block)

    def text(self, piece: str) -> bytes:
        """A piece of the reply."""
        delta = {"type": "text_delta", "text": piece}
        return _named({"type": "content_block_delta", "index": 0, "delta": delta})

    def stop(self, stop: Stop, told: Told) -> bytes:
        """The stop reason, with the final usage."""
        names = {
            "complete": "end_turn",
            "truncated": "max_tokens",
            "refused": "refusal",
            "tool": "tool_use",
        }
        delta = {"stop_reason": names[stop], "stop_sequence": None}
        event = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": told.output}}
        return _named({"type": "content_block_stop", "index": 0}) + _named(event)

    def end(self, told: Told) -> bytes:
        """The end mark."""
        return _named({"type": "message_stop"})

    def error(self, kind: str | None, code: str | int | None = None, message: str = "Failed.") -> bytes:
        """An error inside a stream that has begun."""
        return _named({"type": "error", "error": {"type": kind, "message": message}})


FRAMES: dict[ProviderName, OpenAIFrames | AnthropicFrames] = {
    "openai": OpenAIFrames(),
    "anthropic": AnthropicFrames(),
}


class ModelServer:
    """Both providers on one port.

    Attributes:
        requests: what came in, in order of arrival.
        ended: the numbers of the requests whose answer is over, in the order in which they ended.
        broken: what went wrong in the server itself; a test must leave it empty.
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
        """Break off every connection and be as new."""
        asyncio.run_coroutine_threadsafe(self._break_off(), self._loop).result(10)
        self.requests, self.ended, self.broken = [], [], []
        self._scripts.clear()
        self._used.clear()
        self._arrivals.clear()

    def script(self, provider: ProviderName, *behaviours: Behaviour) -> None:
        """How the next requests to a provider are answered; the last behaviour stays."""
        self._scripts[provider] = list(behaviours)
        self._used[provider] = 0

    def environment(self) -> dict[str, str]:
        """The variables that send both SDKs here."""
        root = f"http://127.0.0.1:{self.port}"
        return {"OPENAI_BASE_URL": f"{root}/v1", "ANTHROPIC_BASE_URL": root}

    def wait_for(self, count: int, timeout_s: float = 10.0) -> bool:
        """Wait until so many requests have arrived; from any thread but the server's."""
        with self._news:
            return self._news.wait_for(lambda: len(self.requests) >= count, timeout_s)

    def wait_for_ends(self, count: int, timeout_s: float = 10.0) -> bool:
        """Wait until so many answers are over."""
        with self._news:
            return self._news.wait_for(lambda: len(self.ended) >= count, timeout_s)

    async def arrived(self, count: int) -> None:
        """For behaviours: wait until so many requests have arrived."""
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
            # A client that has gone is what most of these behaviours are for.
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
    """What the providers' strict modes refuse in a JSON schema."""
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


def workflow(*changes: Mapping[str, Any]) -> str:
    """The JSON of a valid workflow of three steps; `changes` go into the first, the second and the third."""
    steps: list[dict[str, Any]] = [
        {"id": f"step_{number}", "operation": f"Do part {number}", "step_type": "transform"} for number in (1, 2, 3)
    ]
    for earlier, step in pairwise(steps):
        step["depends_on"] = [earlier["id"]]
    for step, change in zip(steps, changes, strict=False):
        step.update(change)
    return json.dumps({"pilot_steps": steps})


WORKFLOW = workflow()
UNKNOWN_TYPE = workflow({}, {"step_type": "think"})


def _sse(data: Any, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _named(data: dict[str, Any]) -> bytes:
    return _sse(data, data["type"])


def _pieces(text: str) -> list[str]:
    size = max(7, len(text) // 200)
    return [text[at : at + size] for at in range(0, len(text), size)]


@dataclass(frozen=True)
class Reply:
    """A stream of one protocol, told in its parts.

    Attributes:
        addition: raw bytes between the text and the stop.
        without: parts that are left out.
        then: what happens on the connection after the last part.
    """

    text: str = WORKFLOW
    stop: Stop = "complete"
    told: Told = field(default_factory=Told)
    addition: Callable[[OpenAIFrames | AnthropicFrames], bytes] | None = None
    without: tuple[Literal["stop", "end"], ...] = ()
    then: Behaviour | None = None

    async def __call__(self, exchange: Exchange) -> None:
        """Answer so."""
        frames = FRAMES[exchange.received.provider]
        await exchange.head(headers=EVENT_STREAM | {"transfer-encoding": "chunked"})
        for part in self._parts(frames):
            await exchange.chunk(part)
        if self.then:
            await self.then(exchange)
        else:
            await exchange.chunk(b"")

    def _parts(self, frames: OpenAIFrames | AnthropicFrames) -> Iterator[bytes]:
        yield frames.start(self.told)
        for piece in _pieces(self.text):
            yield frames.text(piece)
        if self.addition:
            yield self.addition(frames)
        if "stop" not in self.without:
            yield frames.stop(self.stop, self.told)
        if "end" not in self.without:
            yield frames.end(self.told)


def reply(text: str = WORKFLOW, stop: Stop = "complete", told: Told = Told()) -> Behaviour:
    """A whole reply that says this."""
    return Reply(text, stop, told)


async def drop(exchange: Exchange) -> None:
    """Close the connection without a word."""


async def reset(exchange: Exchange) -> None:
    """Break the connection off, what was sent included."""
    exchange.writer.transport.abort()


async def silence(exchange: Exchange) -> None:
    """Never answer, nor go on."""
    await exchange.abandoned()


def status(code: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Behaviour:
    """A status with this body."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head(
            code, {"content-type": "application/json", "content-length": str(len(body))} | dict(headers or {})
        )
        await exchange.send(body)

    return answer


def status_then(code: int, then: Behaviour) -> Behaviour:
    """A status whose promised body does something else."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head(code, {"content-type": "application/json", "content-length": "1000"})
        await exchange.send(b'{"error": ')
        await then(exchange)

    return answer


def raw(data: bytes, then: Behaviour = drop) -> Behaviour:
    """These bytes in place of an HTTP response."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(data)
        await then(exchange)

    return answer


def page(body: bytes, content_type: str = "text/event-stream") -> Behaviour:
    """Status 200 with this body."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head(headers={"content-type": content_type})
        await exchange.send(body)

    return answer


def half_a_chunk() -> Behaviour:
    """A chunked body that ends in the middle of a chunk."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head(headers=EVENT_STREAM | {"transfer-encoding": "chunked"})
        await exchange.chunk(FRAMES[exchange.received.provider].start(Told()))
        await exchange.send(b"ffff\r\ndata: {")

    return answer


def redirect(code: int, location: str) -> Behaviour:
    """A redirection."""
    return status(code, headers={"location": location})


def drip(data: bytes, every_s: float = 1.0) -> Behaviour:
    """One byte at a time, again and again; the first at once."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        while True:
            for byte in data:
                await exchange.send(bytes([byte]))
                await asyncio.sleep(every_s)

    return answer


def slow_head(every_s: float = 0.1) -> Behaviour:
    """Headers without end, one byte at a time."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
        while True:
            await exchange.send(b"x")
            await asyncio.sleep(every_s)

    return answer


def flood(data: bytes, total: int | None = None) -> Behaviour:
    """The same bytes at full speed, up to `total` bytes or without end."""
    block = data * (1 + 65536 // len(data))

    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        sent = 0
        while total is None or sent < total:
            await exchange.send(block)
            sent += len(block)

    return answer


def flood_of_text(piece: str, total: int | None = None) -> Behaviour:
    """A proper stream at full speed whose every event holds this text, up to `total` bytes or without end."""

    async def answer(exchange: Exchange) -> None:
        await flood(FRAMES[exchange.received.provider].text(piece), total)(exchange)

    return answer


def in_stream_error(openai: tuple[str | None, str | int | None], anthropic: str, message: str = "Failed.") -> Behaviour:
    """An error in the middle of a stream: type and code for the one protocol, type for the other."""

    async def fail(exchange: Exchange) -> None:
        kind, code = openai if exchange.received.provider == "openai" else (anthropic, None)
        await exchange.chunk(FRAMES[exchange.received.provider].error(kind, code, message))
        await exchange.chunk(b"")

    return text_then(WORKFLOW[:40], fail)


def pieces_drip(text: str, every_s: float = 0.05) -> Behaviour:
    """A proper stream whose text comes slowly and does not end."""

    async def answer(exchange: Exchange) -> None:
        frames = FRAMES[exchange.received.provider]
        await exchange.head()
        await exchange.send(frames.start(Told()))
        for piece in text:
            await exchange.send(frames.text(piece))
            await asyncio.sleep(every_s)
        await exchange.abandoned()

    return answer


def text_then(text: str, then: Behaviour, told: Told = Told()) -> Behaviour:
    """The beginning of a stream up to this text, then something else on an open, chunked body."""
    return Reply(text, told=told, without=("stop", "end"), then=then)


def once_asked_again(told: Told) -> Behaviour:
    """After a bad step: hold the stream open until the second request has arrived, then end it properly."""

    async def finish(exchange: Exchange) -> None:
        await exchange.server.arrived(2)
        frames = FRAMES[exchange.received.provider]
        await exchange.chunk(frames.stop("complete", told) + frames.end(told))
        await exchange.chunk(b"")

    return text_then(UNKNOWN_TYPE, finish, told)
