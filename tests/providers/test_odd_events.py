"""One odd event costs no answer: only an error, text, an ending and usage matter, everything else is ignored."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.tokens import Tokens
from orchestrator.providers import Usage
from orchestrator.workflow.reply import judge
from tests.providers.raw_streams import (
    ANTHROPIC,
    DONE,
    FINISH,
    OPENAI,
    PARTS,
    STOP,
    TYPICAL,
    USAGE,
    USED,
    Events,
    block,
    choice,
    chunk,
    ending,
    hear,
    sse,
    started,
)
from tests.providers.wire_events import WORKFLOW, ProviderName


@dataclass(frozen=True)
class Odd:
    """A complete reply in an odd form.

    Attributes:
        usd: its cost; None if its tokens must be estimated.
    """

    id: str
    events: Events
    usd: Decimal | None = TYPICAL[0]
    provider: ProviderName = "openai"


def between(event: bytes) -> Events:
    """The usual chunks with an odd one before each."""
    return [part for usual in OPENAI for part in (event, usual)]


SECOND = choice({"content": "two"}, index=1)


def text_as(form: Callable[[str], bytes]) -> Events:
    """The usual chunks with the text in another form."""
    return [*map(form, PARTS), *OPENAI[4:]]


def with_usage(*usages: Any) -> Events:
    """The usual chunks with these usages at the end."""
    return [*OPENAI[:-2], *(chunk(usage=usage) for usage in usages), DONE]


def claude(name: str, events: Events, usd: Decimal | None = TYPICAL[1]) -> Odd:
    """A reply from Claude."""
    return Odd(name, events, usd, "anthropic")


PASSES_BY = [
    b": ping\n\n", b"retry: 3000\n\n", b"id: 7\n\n", b"data:\n\n", b"data\n\n", b"event: ping\n\n", b"data: null\n\n",
    b"event: ping\ndata: {}\n\n", b'data: "ok"\n\n', b"data: 7\n\n", b"data: [1]\n\n", b"data: {\n\n",
    b"data: \xff\n\n", b"data: " + b"[" * 100_000 + b"\n\n", b": OPENROUTER PROCESSING\n\n",
    sse({"error": None}), sse({"object": "x"}),
]  # fmt: skip
PASSES_BY_OPENAI = [
    chunk(usage=None), sse({"choices": None}), sse({"choices": {}}), sse({"choices": 7}), sse({"choices": [None, 7]}),
    chunk({"index": 0, "finish_reason": None}), chunk(choice(None)), chunk(choice("x")),
    chunk(choice({"content": None})), chunk(choice({"content": 7})), chunk(choice({}, "")),
    chunk(choice({"reasoning_content": "hm", "content": None})),
    chunk(usage=False), chunk(usage="much"), chunk(usage={}), chunk(usage={"completion_tokens": None}),
    chunk(usage={"prompt_tokens": "?", "completion_tokens": -1}), chunk(SECOND),
    sse({"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
]  # fmt: skip
PASSES_BY_ANTHROPIC = [
    sse({"type": "ping"}, "ping"), sse({"type": "vellum_delta", "delta": {"text": "no"}}), sse({"type": None}),
    sse({"type": "content_block_delta"}), sse({"type": "content_block_delta", "delta": None}),
    sse({"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}}),
    sse({"type": "message_delta"}), sse({"type": "message_delta", "delta": None, "usage": None}),
    sse({"type": "message_delta", "usage": {"input_tokens": 0, "output_tokens": None}}),
]  # fmt: skip

ODD = [
    *(Odd(f"{event[:30]!r} between", between(event)) for event in PASSES_BY + PASSES_BY_OPENAI),
    Odd("a list of parts", text_as(lambda part: chunk(choice({"content": [{"type": "text", "text": part}]})))),
    Odd("two choices in a chunk", text_as(lambda part: chunk(SECOND, choice({"content": part})))),
    Odd("no end mark", OPENAI[:-1]),
    Odd("no blank line at the end", [*OPENAI[:-2], USAGE.rstrip()]),
    Odd("usage before the finish", [*OPENAI[:4], USAGE, FINISH, DONE]),
    Odd("usage with the finish", [*OPENAI[:4], chunk(choice({}, "stop"), usage=USED), DONE]),
    Odd("usage beside choices: null", [*OPENAI[:5], sse({"choices": None, "usage": USED}), DONE]),
    Odd("usage grows", text_as(lambda part: chunk(choice({"content": part}), usage=USED | {"completion_tokens": 9}))),
    Odd("one part of the usage is negative", with_usage(USED | {"prompt_tokens_details": {"cached_tokens": -1}})),
    Odd("usage in fractions and text", with_usage({"prompt_tokens": 2000.5, "completion_tokens": "1500"})),
    Odd("a second usage of zeros", with_usage(USED, {"prompt_tokens": 0, "completion_tokens": 0})),
    Odd("usage of zeros", with_usage({"prompt_tokens": 0, "completion_tokens": 0}), None),
    Odd("zero output beside text", with_usage(USED | {"completion_tokens": 0}), None),
    Odd("usage beyond reason", with_usage(USED | {"completion_tokens": 10**30}), None),
    Odd("no usage", [*OPENAI[:5], DONE], None),
    Odd("priority", [*OPENAI[:5], chunk(usage=USED, service_tier="priority"), DONE], Decimal("0.002")),
    Odd("a tier of another kind", [*OPENAI[:5], chunk(usage=USED, service_tier={"a": 1}), DONE]),
    *(claude(f"{event[:30]!r} between", [ANTHROPIC[0], *(part for usual in ANTHROPIC[1:] for part in (event, usual))])
      for event in PASSES_BY + PASSES_BY_ANTHROPIC),
    claude("the first text in its block", [ANTHROPIC[0], block(PARTS[0]), *ANTHROPIC[3:]]),
    claude("input 0 at the end", [*ANTHROPIC[:5], ending(input_tokens=0, output_tokens=1500), STOP]),
    claude("counts in fractions", [started(input_tokens=2000.5), *ANTHROPIC[1:5], ending(output_tokens=1500.25), STOP]),
    claude("zeros", [started(input_tokens=0, output_tokens=0), *ANTHROPIC[1:5], ending(output_tokens=0), STOP], None),
    claude("no usage at the start", [sse({"type": "message_start", "message": {}}), *ANTHROPIC[1:]], None),
    claude(
        "written for an hour",
        [
            started(
                input_tokens=1000, cache_creation_input_tokens=1000,
                cache_creation={"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
            ),
            *ANTHROPIC[1:],
        ],
        Decimal("0.0306"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.id)
def test_an_odd_reply_is_taken_at_its_price(odd: Odd) -> None:
    """The workflow is accepted; its cost is exact, or marked as an estimate."""
    heard = hear(odd.provider, b"".join(odd.events))

    assert heard.verdict.accepted
    assert not heard.verdict.findings
    assert heard.endings == 1
    assert heard.estimated is (odd.usd is None)
    if odd.usd is None:
        assert heard.tokens.output >= len(WORKFLOW) // 4
        assert heard.tokens.input >= 111
    else:
        assert heard.usd == odd.usd


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "a byte-order mark": lambda body: b"\xef\xbb\xbf" + body,
    "CRLF": lambda body: body.replace(b"\n", b"\r\n"),
    "CR": lambda body: body.replace(b"\n", b"\r"),
    "ids": lambda body: body.replace(b"data:", b"id: 3\ndata:"),
    "no blank after the colon": lambda body: body.replace(b"data: ", b"data:"),
    "data on two lines": lambda body: body.replace(b'"choices":', b'\ndata: "choices":'),
}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("form", FORMS)
def test_lines_may_end_anywhere(form: str, size: int, provider: ProviderName) -> None:
    """All forms of a stream that the standard allows, in chunks of any size."""
    body = b"".join(OPENAI if provider == "openai" else ANTHROPIC)
    heard = hear(provider, FORMS[form](body), size)

    assert heard.verdict.accepted
    assert heard.usd == TYPICAL[provider == "anthropic"]
    assert not heard.estimated


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
STRANGE = st.one_of(
    st.sampled_from(PASSES_BY),
    st.text(max_size=20).map(lambda text: f": {text}".replace("\n", " ").replace("\r", " ").encode() + b"\n\n"),
    st.integers(0, 9).map(lambda number: f"id: {number}\n\n".encode()),
    JSON_VALUES.filter(lambda value: not isinstance(value, dict)).map(sse),
    st.dictionaries(st.sampled_from(["x_new", "object", "id", "obfuscation", "type"]), JSON_VALUES).map(
        lambda fields: sse(fields | ({"type": "x_new"} if "type" in fields else {}))
    ),
)


@given(st.data())
def test_random_events_change_neither_answer_nor_money(data: st.DataObject) -> None:
    """Ids, comments, pings, unknown fields and nulls between the real events, in either protocol."""
    openai = data.draw(st.booleans())
    own = PASSES_BY_OPENAI if openai else PASSES_BY_ANTHROPIC
    odd = STRANGE | st.sampled_from(own)
    body = b"".join(
        part for usual in (OPENAI if openai else ANTHROPIC) for part in (*data.draw(st.lists(odd, max_size=3)), usual)
    )
    heard = hear("openai" if openai else "anthropic", body, data.draw(st.integers(1, 300)))

    assert heard.verdict == judge(WORKFLOW, [])
    assert (heard.usd, heard.estimated) == (TYPICAL[not openai], False)


def test_a_reply_that_is_compressed_all_the_same() -> None:
    """The SDKs' client decompresses it; it is read as usual."""
    body = gzip.compress(b"".join(OPENAI))

    assert hear("openai", gzip.decompress(body)).usd == TYPICAL[0]


def test_usage_that_was_told_on_the_way_is_not_final() -> None:
    """A stream that is cut off after sending usage is estimated from what arrived."""
    usage = replace(Usage(input=2000, output=9), final=False)

    assert usage.tokens(estimated_input=1, written=400) == (Tokens(2000, output=400), True)
