"""Each way in which a model fails gets its reason, is recorded, and is followed by one fallback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import pytest

from orchestrator import GenerationFailed, WorkflowGenerationResult
from orchestrator.attempt import FallbackReason
from orchestrator.models.tokens import Tokens
from tests.providers.behaviours import (
    Reply,
    drip,
    drop,
    error_first,
    half_a_chunk,
    in_stream_error,
    once_asked_again,
    page,
    pieces_drip,
    raw,
    reply,
    reset,
    silence,
    slow_head,
    status,
    status_then,
    text_then,
)
from tests.providers.conftest import API_MODELS, Bench, MakeBench, Side, both_sides, cost
from tests.providers.exchange import Behaviour
from tests.providers.recorded import FAILED, FALLBACK, GENERATED, LATEST_MS, LIMIT_S, TOLD, USED
from tests.providers.wire_events import UNKNOWN_TYPE, WORKFLOW, workflow

Count = Literal["none", "exact", "estimated"]


@dataclass(frozen=True)
class Form:
    """One way in which the first model fails.

    Attributes:
        count: how its tokens are known.
        detail: the attempt's detail; None for either SDK's own words.
    """

    id: str
    behaviour: Behaviour
    reason: FallbackReason
    count: Count
    detail: str | None = None


def bad_reply(name: str, text: str, detail: str) -> Form:
    """A complete reply that does not validate."""
    return Form(name, reply(text, told=TOLD), "validation_failed", "exact", detail)


def many_steps(count: int) -> str:
    """A workflow with this many steps."""
    steps = [{"id": f"s{n}", "operation": "Act", "step_type": "transform"} for n in range(count)]
    return json.dumps({"pilot_steps": steps})


REJECTED = [
    bad_reply("unknown type", UNKNOWN_TYPE, "step_type_unknown"),
    bad_reply("prose", "Here is the workflow you asked for.", "not_json"),
    bad_reply("nothing", "", "reply_empty"),
    bad_reply("empty object", "{}", "steps_missing"),
    bad_reply("array", "[]", "not_json, not_an_object"),
    bad_reply("no steps", '{"pilot_steps": []}', "no_steps"),
    bad_reply("too many steps", many_steps(51), "too_many_steps"),
    bad_reply("same id", workflow({}, {"id": "step_1"}), "id_not_unique"),
    bad_reply("circle", workflow({"depends_on": ["step_3"]}), "cycle"),
    bad_reply("unknown step", workflow({"depends_on": ["step_9"]}), "step_unknown"),
    bad_reply("not a number", workflow({"weight": float("nan")}), "not_json"),
    bad_reply("cut JSON", WORKFLOW[:-5], "not_json"),
    bad_reply("two answers", WORKFLOW * 2, "id_not_unique, not_json"),
    bad_reply("fenced bad step", f"```json\n{UNKNOWN_TYPE}\n```", "step_type_unknown"),
    bad_reply("100,000 brackets", '{"pilot_steps": ' + "[" * 100_000, "too_deep"),
    bad_reply("100,000 objects", '{"pilot_steps": ' + '{"a":' * 100_000, "too_deep"),
    bad_reply("more than a million characters", '{"pilot_steps": ["' + "x" * 1_000_000, "too_large"),
    Form("cut for length", reply(WORKFLOW[:99], "truncated", TOLD), "validation_failed", "exact", "reply_truncated"),
    Form("whole, yet cut", reply(WORKFLOW, "truncated", TOLD), "validation_failed", "exact", "reply_truncated"),
    Form("refused", reply("", "refused", TOLD), "validation_failed", "exact", "reply_refused"),
    Form("tool call", reply("", "tool", TOLD), "validation_failed", "exact", "reply_stopped"),
]


DEEP_EVENT = b"event: message_delta\ndata: " + b"[" * 100_000 + b"\n\n"


JSON_ERROR = b'{"error": {"type": "server_error"}}'


NO_REPLY = "no reply in the response"


HTML = b"<html><h1>Welcome</h1></html>"


BROKEN = [
    *(Form(f"HTTP {code}", status(code, HTML), "api_error", "none", f"HTTP {code}") for code in (400, 401, 403, 404)),
    *(Form(f"HTTP {code}", status(code), "api_error", "none", f"HTTP {code}") for code in (408, 409, 413, 422)),
    *(Form(f"HTTP {code}", status(code, b"\xff{"), "api_error", "none", f"HTTP {code}") for code in (500, 504, 529)),
    Form("status without its body", status_then(503, drop), "api_error", "none"),
    Form("unknown status", status(799, b"null"), "api_error", "none"),
    Form("closed at once", drop, "api_error", "none", "APIConnectionError"),
    Form("broken off at once", reset, "api_error", "none", "APIConnectionError"),
    Form("garbage", raw(b"\x00\xff\xfeSSH-2.0-x\r\n\r\n"), "api_error", "none", "APIConnectionError"),
    Form("half the headers", raw(b"HTTP/1.1 200 OK\r\ncontent-ty"), "api_error", "none", "APIConnectionError"),
    Form("endless headers", raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2_000_000), "api_error", "none"),
    Form("page", page(HTML, "text/html"), "api_error", "none", NO_REPLY),
    Form("plain JSON", page(b'{"choices": []}', "application/json"), "api_error", "none", NO_REPLY),
    Form("nothing at all", page(b""), "api_error", "none", NO_REPLY),
    Form("broken JSON", page(b"event: message_start\ndata: {\n\n"), "api_error", "none", NO_REPLY),
    Form("a number", page(b"event: message_start\ndata: 7\n\n"), "api_error", "none", NO_REPLY),
    Form("a list", page(b"event: message_start\ndata: [1]\n\n"), "api_error", "none", NO_REPLY),
    Form(
        "wrong types",
        page(b'event: x\ndata: {"type": 1, "choices": 7}\n\n'),
        "api_error",
        "none",
        "no reply in the response",
    ),
    Form("no UTF-8", page(b"data: \xff\xfe\n\n"), "api_error", "none", NO_REPLY),
    Form("deep event", page(DEEP_EVENT), "api_error", "none", NO_REPLY),
    Form("half a chunk", half_a_chunk(), "api_error", "estimated"),
    Form("cut in the text", text_then(WORKFLOW[:60], drop), "api_error", "estimated"),
    Form("broken off in the text", text_then(WORKFLOW[:60], reset), "api_error", "estimated"),
    Form("whole text, no end", Reply(without=("stop", "end")), "api_error", "estimated", "stream ended early"),
    Form(
        "JSON error",
        page(b'{"error": {"type": "server_error"}}', "application/json"),
        "api_error",
        "none",
        "server_error",
    ),
    Form("error first", error_first(("server_error", None), "overloaded_error"), "api_error", "none"),
    Form("error inside", in_stream_error(("server_error", None), "api_error"), "api_error", "estimated"),
    Form("overloaded inside", in_stream_error((None, "overloaded"), "overloaded_error"), "api_error", "estimated"),
]


LIMITED = [
    Form("429", status(429), "rate_limit", "none", "HTTP 429"),
    Form("429 as a page", status(429, HTML, {"content-type": "text/html"}), "rate_limit", "none", "HTTP 429"),
    Form("429 for an hour", status(429, b"{}", {"retry-after": "3600"}), "rate_limit", "none", "HTTP 429"),
    Form("429 without its body", status_then(429, drop), "rate_limit", "none", "HTTP 429"),
    Form("first", error_first(("requests", None), "rate_limit_error"), "rate_limit", "none"),
    Form("inside", in_stream_error(("requests", None), "rate_limit_error"), "rate_limit", "estimated"),
    Form("code inside", in_stream_error((None, "rate_limit_exceeded"), "rate_limit_error"), "rate_limit", "estimated"),
    Form("number inside", in_stream_error(("x", 429), "rate_limit_error"), "rate_limit", "estimated"),
]


SLOW = [
    Form("never answers", silence, "timeout", "estimated"),
    Form("drips headers", slow_head(), "timeout", "estimated"),
    Form("a byte a second", drip(b"data: x\n\n", 1.0), "timeout", "estimated"),
    Form("drips without a newline", drip(b"x", 0.05), "timeout", "estimated"),
    Form("drips comments", drip(b": ping\n\n", 0.02), "timeout", "estimated"),
    Form("drips a proper stream", pieces_drip(WORKFLOW), "timeout", "estimated"),
]


def check_books(bench: Bench, side: Side, form: Form, result: WorkflowGenerationResult) -> None:
    """Check calls, events, reason and costs of a generation whose first model failed in this form."""
    assert bench.calls() == [side.first, side.second]
    assert bench.actions() == [GENERATED, FALLBACK]
    generated, fallback = bench.details(GENERATED), bench.details(FALLBACK)
    reasons = {result.fallback_reason, generated["fallback_reason"], fallback["reason"], result.attempts[0].outcome}
    assert reasons == {form.reason}
    total = cost(result.attempts[0]) + cost(result.attempts[1])
    assert (result.cost_usd, generated["cost_usd"]) == (total, total)
    assert fallback["wasted_cost_usd"] == generated["wasted_cost_usd"] == cost(result.attempts[0])
    assert fallback["tokens_wasted"] == result.attempts[0].tokens.total


def check_tokens(form: Form, result: WorkflowGenerationResult) -> None:
    """Check that the failed attempt's tokens are known in the way its form allows."""
    failed = result.attempts[0]
    assert failed.tokens_estimated is (form.count == "estimated")
    if form.count == "none":
        assert failed.tokens == Tokens()
    elif form.count == "exact":
        assert failed.tokens == USED
    else:
        assert failed.tokens.input > 500
    if form.detail is not None:
        assert failed.detail == form.detail


@both_sides
@pytest.mark.parametrize("form", REJECTED + BROKEN + LIMITED, ids=lambda form: f"{form.reason}: {form.id}")
def test_each_failure_is_named_booked_and_followed_by_one_fallback(bench: Bench, side: Side, form: Form) -> None:
    """One FALLBACK and one GENERATED event, the right reason, the cost of both to the last digit, two calls."""
    bench.server.script(side.first, form.behaviour)
    bench.server.script(side.second, reply(told=TOLD))
    result = bench.succeed(side)
    assert result.tokens == USED
    check_books(bench, side, form, result)
    check_tokens(form, result)


@both_sides
@pytest.mark.parametrize("form", SLOW, ids=lambda form: form.id)
def test_slow_model_is_left_at_its_limit(make_bench: MakeBench, side: Side, form: Form) -> None:
    """However slow the model, the attempt ends at its own limit and the fallback answers."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, form.behaviour)
    result = bench.succeed(side)
    check_books(bench, side, form, result)
    check_tokens(form, result)
    assert LIMIT_S * 1000 <= result.attempts[0].duration_ms <= LATEST_MS


@both_sides
def test_bad_step_starts_the_fallback_before_the_stream_ends(bench: Bench, side: Side) -> None:
    """The first stream continues only after the fallback was asked; its figures are then exact."""
    bench.server.script(side.first, once_asked_again(TOLD))
    result = bench.succeed(side)
    failed = result.attempts[0]
    assert (failed.outcome, failed.detail) == ("validation_failed", "step_type_unknown")
    assert (failed.tokens, failed.tokens_estimated) == (USED, False)
    check_books(bench, side, Form("", silence, "validation_failed", "exact"), result)


@both_sides
def test_both_models_fail(bench: Bench, side: Side) -> None:
    """Two failures: an error with both attempts, one FALLBACK and one FAILED event, both costs."""
    bench.server.script(side.first, reply(UNKNOWN_TYPE, told=TOLD))
    bench.server.script(side.second, in_stream_error(("requests", None), "rate_limit_error"))
    outcome = bench.run(side)
    assert isinstance(outcome, GenerationFailed)
    assert [attempt.outcome for attempt in outcome.attempts] == ["validation_failed", "rate_limit"]
    assert [attempt.api_model for attempt in outcome.attempts] == [API_MODELS[side.primary], API_MODELS[side.fallback]]
    assert bench.actions() == [FAILED, FALLBACK]
    assert bench.details(FAILED)["cost_usd"] == sum(map(cost, outcome.attempts))
    assert len(bench.details(FAILED)["attempts"]) == 2


@both_sides
def test_both_models_refuse_the_connection(bench: Bench, side: Side) -> None:
    """Nothing arrived, and nothing was spent."""
    bench.server.script("openai", drop)
    bench.server.script("anthropic", status(401, b"{}"))
    assert isinstance(bench.run(side), GenerationFailed)
    assert bench.details(FAILED)["cost_usd"] == 0
    assert bench.details(FALLBACK)["tokens_wasted"] == 0


@both_sides
def test_reading_on_after_a_bad_step_has_a_limit(make_bench: MakeBench, side: Side) -> None:
    """A rejected stream that does not end is abandoned at its own limit, with estimated figures."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, text_then(UNKNOWN_TYPE, silence))
    result = bench.succeed(side)
    failed = result.attempts[0]
    assert (failed.outcome, failed.tokens_estimated) == ("validation_failed", True)
    assert LIMIT_S * 1000 <= failed.duration_ms <= LATEST_MS
    check_books(bench, side, Form("", silence, "validation_failed", "estimated"), result)
