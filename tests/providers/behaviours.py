"""How a provider answers, well or badly, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.providers.exchange import Behaviour, Exchange
from tests.providers.wire_events import (
    EVENT_STREAM,
    UNKNOWN_TYPE,
    USUAL,
    WIRE_EVENTS,
    WORKFLOW,
    AnthropicEvents,
    OpenAIEvents,
    Stop,
    Told,
    pieces,
)


@dataclass(frozen=True)
class Reply:
    """A stream of one protocol, described by its parts.

    Attributes:
        addition: raw bytes between the text and the stop event.
        without: parts to leave out.
        then: what happens on the connection after the last part.
    """

    text: str = WORKFLOW
    stop: Stop = "complete"
    told: Told = field(default_factory=Told)
    addition: Callable[[OpenAIEvents | AnthropicEvents], bytes] | None = None
    without: tuple[Literal["stop", "end"], ...] = ()
    then: Behaviour | None = None

    async def __call__(self, exchange: Exchange) -> None:
        """Answer this way."""
        frames = WIRE_EVENTS[exchange.received.provider]
        await exchange.head(headers=EVENT_STREAM | {"transfer-encoding": "chunked"})
        for part in self._parts(frames):
            await exchange.chunk(part)
        if self.then:
            await self.then(exchange)
        else:
            await exchange.chunk(b"")

    def _parts(self, frames: OpenAIEvents | AnthropicEvents) -> Iterator[bytes]:
        yield frames.start(self.told)
        for piece in pieces(self.text):
            yield frames.text(piece)
        if self.addition:
            yield self.addition(frames)
        if "stop" not in self.without:
            yield frames.stop(self.stop, self.told)
        if "end" not in self.without:
            yield frames.end(self.told)


def reply(text: str = WORKFLOW, stop: Stop = "complete", told: Told = USUAL) -> Behaviour:
    """A complete reply with this text."""
    return Reply(text, stop, told)


async def drop(exchange: Exchange) -> None:
    """Close the connection without an answer."""


async def reset(exchange: Exchange) -> None:
    """Reset the connection, discarding what was sent."""
    exchange.writer.transport.abort()


async def silence(exchange: Exchange) -> None:
    """Never answer, nor continue."""
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
    """Send these bytes in place of an HTTP response."""

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
        await exchange.chunk(WIRE_EVENTS[exchange.received.provider].start(Told()))
        await exchange.send(b"ffff\r\ndata: {")

    return answer


def redirect(code: int, location: str) -> Behaviour:
    """A redirect."""
    return status(code, headers={"location": location})


def drip(data: bytes, every_s: float = 1.0) -> Behaviour:
    """One byte at a time, again and again; the first one at once."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        while True:
            for byte in data:
                await exchange.send(bytes([byte]))
                await asyncio.sleep(every_s)

    return answer


def slow_head(every_s: float = 0.1) -> Behaviour:
    """Endless headers, one byte at a time."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
        while True:
            await exchange.send(b"x")
            await asyncio.sleep(every_s)

    return answer


def flood(data: bytes, total: int | None = None) -> Behaviour:
    """The same bytes at full speed, up to `total` bytes or endlessly."""
    block = data * (1 + 65536 // len(data))

    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        sent = 0
        while total is None or sent < total:
            await exchange.send(block)
            sent += len(block)

    return answer


def flood_of_text(piece: str, total: int | None = None) -> Behaviour:
    """A proper stream at full speed whose every event holds this text, up to `total` bytes or endlessly."""

    async def answer(exchange: Exchange) -> None:
        await flood(WIRE_EVENTS[exchange.received.provider].text(piece), total)(exchange)

    return answer


def in_stream_error(openai: tuple[str | None, str | int | None], anthropic: str, message: str = "Failed.") -> Behaviour:
    """An error in the middle of a stream: type and code for one protocol, type for the other."""

    async def fail(exchange: Exchange) -> None:
        kind, code = openai if exchange.received.provider == "openai" else (anthropic, None)
        await exchange.chunk(WIRE_EVENTS[exchange.received.provider].error(kind, code, message))
        await exchange.chunk(b"")

    return text_then(WORKFLOW[:40], fail)


def error_first(openai: tuple[str | None, str | int | None], anthropic: str) -> Behaviour:
    """An error in place of the first event of a reply."""

    async def fail(exchange: Exchange) -> None:
        kind, code = openai if exchange.received.provider == "openai" else (anthropic, None)
        await exchange.head(headers=EVENT_STREAM | {"transfer-encoding": "chunked"})
        await exchange.chunk(WIRE_EVENTS[exchange.received.provider].error(kind, code))
        await exchange.chunk(b"")

    return fail


def pieces_drip(text: str, every_s: float = 0.05) -> Behaviour:
    """A proper stream whose text arrives slowly and does not end."""

    async def answer(exchange: Exchange) -> None:
        frames = WIRE_EVENTS[exchange.received.provider]
        await exchange.head()
        await exchange.send(frames.start(Told()))
        for piece in text:
            await exchange.send(frames.text(piece))
            await asyncio.sleep(every_s)
        await exchange.abandoned()

    return answer


def text_then(text: str, then: Behaviour, told: Told = USUAL) -> Behaviour:
    """The beginning of a stream up to this text, then something else on an open, chunked body."""
    return Reply(text, told=told, without=("stop", "end"), then=then)


def once_asked_again(told: Told) -> Behaviour:
    """After a bad step: hold the stream open until the second request has arrived, then end it properly."""

    async def finish(exchange: Exchange) -> None:
        await exchange.server.arrived(2)
        frames = WIRE_EVENTS[exchange.received.provider]
        await exchange.chunk(frames.stop("complete", told) + frames.end(told))
        await exchange.chunk(b"")

    return text_then(UNKNOWN_TYPE, finish, told)
