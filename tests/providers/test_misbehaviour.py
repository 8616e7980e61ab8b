"""Whatever a provider does: a named reason, one fallback, exact books, within the time limit and within bounds."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
import threading
import traceback
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import pytest

from orchestrator import GenerationCancelled, GenerationFailed, StepAccepted, WorkflowGenerationResult
from orchestrator.attempt import FallbackReason
from orchestrator.events import GenerationEvent
from orchestrator.request import checked_request
from orchestrator.tokens import Tokens
from tests.providers.conftest import (
    ANTHROPIC_KEY,
    API_MODELS,
    CLAUDE_FIRST,
    MINI_FIRST,
    OPENAI_KEY,
    Bench,
    MakeBench,
    Side,
    both_sides,
    cost,
)
from tests.providers.server import (
    UNKNOWN_TYPE,
    WORKFLOW,
    Behaviour,
    Reply,
    Told,
    drip,
    drop,
    flood,
    flood_of_text,
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
    workflow,
)

Count = Literal["none", "exact", "estimated"]
LIMIT_S = 0.5
LATEST_MS = 1500
TOLD = Told(input=1234, output=321)
USED = Tokens(input=1234, output=321)
GENERATED, FALLBACK = "WORKFLOW_GENERATED", "WORKFLOW_GENERATION_FALLBACK"
FAILED, CANCELLED = "WORKFLOW_GENERATION_FAILED", "WORKFLOW_GENERATION_CANCELLED"


@dataclass(frozen=True)
class Form:
    """One way in which the first model fails.

    Attributes:
        count: how its tokens are known.
        detail: what the attempt says, None for either SDK's own words.
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
    """A workflow of so many steps."""
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
    Form("page", page(HTML, "text/html"), "api_error", "estimated"),
    Form("plain JSON", page(b'{"choices": []}', "application/json"), "api_error", "estimated"),
    Form("nothing at all", page(b""), "api_error", "estimated", "stream ended early"),
    Form("broken JSON", page(b"event: message_start\ndata: {\n\n"), "api_error", "estimated"),
    Form("a number", page(b"event: message_start\ndata: 7\n\n"), "api_error", "estimated"),
    Form("a list", page(b"event: message_start\ndata: [1]\n\n"), "api_error", "estimated"),
    Form("wrong types", page(b'event: x\ndata: {"type": 1, "choices": 7}\n\n'), "api_error", "estimated"),
    Form("no UTF-8", page(b"data: \xff\xfe\n\n"), "api_error", "estimated"),
    Form("deep event", page(DEEP_EVENT), "api_error", "estimated"),
    Form("half a chunk", half_a_chunk(), "api_error", "estimated"),
    Form("cut in the text", text_then(WORKFLOW[:60], drop), "api_error", "estimated"),
    Form("broken off in the text", text_then(WORKFLOW[:60], reset), "api_error", "estimated"),
    Form("whole text, no end", Reply(without=("stop", "end")), "api_error", "estimated", "stream ended early"),
    Form("error inside", in_stream_error(("server_error", None), "api_error"), "api_error", "estimated"),
    Form("overloaded inside", in_stream_error((None, "overloaded"), "overloaded_error"), "api_error", "estimated"),
]
LIMITED = [
    Form("429", status(429), "rate_limit", "none", "HTTP 429"),
    Form("429 as a page", status(429, HTML, {"content-type": "text/html"}), "rate_limit", "none", "HTTP 429"),
    Form("429 for an hour", status(429, b"{}", {"retry-after": "3600"}), "rate_limit", "none", "HTTP 429"),
    Form("429 without its body", status_then(429, drop), "rate_limit", "none", "HTTP 429"),
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
    """Calls, events, reason and costs of a run whose first model failed in this form."""
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
    """The failed attempt's tokens are known in the way that its form allows."""
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
    """However slow, the attempt ends at its own limit and the fallback answers."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, form.behaviour)
    result = bench.succeed(side)
    check_books(bench, side, form, result)
    check_tokens(form, result)
    assert LIMIT_S * 1000 <= result.attempts[0].duration_ms <= LATEST_MS


@both_sides
def test_connection_is_closed_after_a_timeout(make_bench: MakeBench, side: Side) -> None:
    """A model that was given up on is not listened to any longer."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, silence)
    bench.succeed(side)
    assert bench.server.wait_for_ends(2)


@both_sides
def test_last_attempt_has_its_own_limit(make_bench: MakeBench, side: Side) -> None:
    """Both models silent: each is left at its own limit and the run fails with both attempts."""
    bench = make_bench(limit_s=LIMIT_S, last_limit_s=2 * LIMIT_S)
    bench.server.script("openai", silence)
    bench.server.script("anthropic", silence)
    outcome = bench.run(side)
    assert isinstance(outcome, GenerationFailed)
    first, last = outcome.attempts
    assert (first.outcome, last.outcome) == ("timeout", "timeout")
    assert LIMIT_S * 1000 <= first.duration_ms <= LATEST_MS
    assert 2 * LIMIT_S * 1000 <= last.duration_ms <= LATEST_MS + LIMIT_S * 1000


@both_sides
@pytest.mark.parametrize("code", [429, 500])
def test_status_with_an_endless_body_is_still_that_status(make_bench: MakeBench, side: Side, code: int) -> None:
    """An HTTP error has cost nothing, also where its body never ends."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, status_then(code, silence))
    result = bench.succeed(side)
    assert result.fallback_reason == ("rate_limit" if code == 429 else "api_error")
    assert (result.attempts[0].tokens, result.attempts[0].cost_usd) == (Tokens(), Decimal(0))
    assert result.attempts[0].duration_ms <= LATEST_MS


@both_sides
def test_bad_step_starts_the_fallback_before_the_stream_ends(bench: Bench, side: Side) -> None:
    """The first stream goes on only once the fallback has been asked; its figures are then exact."""
    bench.server.script(side.first, once_asked_again(TOLD))
    result = bench.succeed(side)
    failed = result.attempts[0]
    assert (failed.outcome, failed.detail) == ("validation_failed", "step_type_unknown")
    assert (failed.tokens, failed.tokens_estimated) == (USED, False)
    check_books(bench, side, Form("", silence, "validation_failed", "exact"), result)


@both_sides
def test_reading_on_after_a_bad_step_has_a_limit(make_bench: MakeBench, side: Side) -> None:
    """A rejected stream that does not end is left at its own limit, with estimated figures."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script(side.first, text_then(UNKNOWN_TYPE, silence))
    result = bench.succeed(side)
    failed = result.attempts[0]
    assert (failed.outcome, failed.tokens_estimated) == ("validation_failed", True)
    assert LIMIT_S * 1000 <= failed.duration_ms <= LATEST_MS
    check_books(bench, side, Form("", silence, "validation_failed", "estimated"), result)


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
    """Nothing came, nothing was spent."""
    bench.server.script("openai", drop)
    bench.server.script("anthropic", status(401, b"{}"))
    assert isinstance(bench.run(side), GenerationFailed)
    assert bench.details(FAILED)["cost_usd"] == 0
    assert bench.details(FALLBACK)["tokens_wasted"] == 0


@both_sides
def test_cancelling_the_awaiting_task_books_and_asks_nobody_else(bench: Bench, side: Side) -> None:
    """A cancelled task leaves one CANCELLED event with an estimate, and no second call."""
    bench.server.script(side.first, text_then(WORKFLOW[:80], silence))

    async def scene() -> None:
        generate = bench.application.orchestrator.generate_workflow_async
        work = generate(user_id="u", agent_id="a", prompt="Sort.", services=[], options=side.options())
        task = asyncio.create_task(work)
        assert await asyncio.to_thread(bench.server.wait_for, 1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(scene())
    check_cancelled(bench, side)


@both_sides
def test_cancelling_a_job_books_and_asks_nobody_else(bench: Bench, side: Side) -> None:
    """A cancelled job ends in GenerationCancelled with its attempt, one CANCELLED event, and no second call."""
    bench.server.script(side.first, text_then(WORKFLOW[:-20], silence))
    stepped = threading.Event()

    def emit(event: GenerationEvent) -> None:
        if isinstance(event, StepAccepted):
            stepped.set()

    request = checked_request(prompt="Sort.", services=[], agent_id="a", user_id="u", origin="api")
    job = bench.application.orchestrator.start(request, side.options(), emit)
    assert stepped.wait(10)
    job.cancel()
    error = job.future.exception(timeout=10)
    assert isinstance(error, GenerationCancelled)
    assert [attempt.outcome for attempt in error.attempts] == ["cancelled"]
    check_cancelled(bench, side)


def check_cancelled(bench: Bench, side: Side) -> None:
    """One call, one event, its tokens estimated and priced."""
    assert bench.calls() == [side.first]
    assert bench.actions() == [CANCELLED]
    details = bench.details(CANCELLED)
    (attempt,) = details["attempts"]
    assert (details["cause"], attempt["outcome"], attempt["tokens_estimated"]) == ("cancelled", "cancelled", True)
    assert attempt["tokens"]["input"] > 500
    assert details["cost_usd"] == details["wasted_cost_usd"] == attempt["cost_usd"] > 0


@both_sides
def test_cancelling_during_the_fallback_keeps_the_first_reason(bench: Bench, side: Side) -> None:
    """The first attempt keeps its reason, the second is cancelled; FALLBACK and CANCELLED are booked."""
    bench.server.script(side.first, status(500))
    bench.server.script(side.second, silence)
    request = checked_request(prompt="Sort.", services=[], agent_id="a", user_id="u", origin="api")
    job = bench.application.orchestrator.start(request, side.options(), lambda event: None)
    assert bench.server.wait_for(2)
    job.cancel()
    error = job.future.exception(timeout=10)
    assert isinstance(error, GenerationCancelled)
    assert [attempt.outcome for attempt in error.attempts] == ["api_error", "cancelled"]
    assert bench.actions() == [CANCELLED, FALLBACK]


@dataclass(frozen=True)
class Cached:
    """Token counts as a provider tells them and as we book them."""

    id: str
    side: Side
    told: Told
    tokens: Tokens
    usd: str


CACHED = [
    Cached("openai read", MINI_FIRST, Told(2000, 1500, 0, 100), Tokens(2000, 1500, 0, 100), "0.0002475"),
    Cached("openai more than all", MINI_FIRST, Told(100, 900, 0, 0), Tokens(100, 100, 0, 0), "0.0000075"),
    Cached("anthropic read", CLAUDE_FIRST, Told(500, 1500, 0, 100), Tokens(2000, 1500, 0, 100), "0.00345"),
    Cached("anthropic written", CLAUDE_FIRST, Told(500, 0, 1500, 100), Tokens(2000, 0, 1500, 100), "0.008625"),
    Cached("anthropic both", CLAUDE_FIRST, Told(7, 1000, 500, 1), Tokens(1507, 1000, 500, 1), "0.002211"),
]


@pytest.mark.parametrize("case", CACHED, ids=lambda case: case.id)
def test_cached_input_has_its_own_price(bench: Bench, case: Cached) -> None:
    """What came from the prompt cache, or went into it, costs what the provider takes for that."""
    bench.server.script(case.side.first, reply(told=case.told))
    result = bench.succeed(case.side)
    assert (result.tokens, result.cost_usd) == (case.tokens, Decimal(case.usd))
    assert bench.details(GENERATED)["cost_usd"] == cost(result.attempts[0])


def test_openai_refusal_in_words_is_a_rejected_reply(bench: Bench) -> None:
    """OpenAI's own field for a refusal counts, whatever finish reason follows."""
    refusal = {"choices": [{"index": 0, "delta": {"refusal": "I cannot help."}, "finish_reason": None}]}
    said = f"data: {json.dumps(refusal)}\n\n".encode()
    bench.server.script("openai", Reply("", told=TOLD, addition=lambda frames: said))
    result = bench.succeed()
    failed = result.attempts[0]
    assert (failed.outcome, failed.detail, failed.tokens) == ("validation_failed", "reply_refused", USED)


def test_anthropic_stop_reason_without_the_end_is_an_api_error(bench: Bench) -> None:
    """Without message_stop the reply was cut, also after a stop reason; its usage is final all the same."""
    bench.server.script("anthropic", Reply(told=TOLD, without=("end",)))
    failed = bench.succeed(CLAUDE_FIRST).attempts[0]
    assert (failed.outcome, failed.detail) == ("api_error", "stream ended early")
    assert (failed.tokens, failed.tokens_estimated) == (USED, False)


def test_openai_finish_reason_without_usage_is_accepted(bench: Bench) -> None:
    """The reply is whole; only its tokens have to be estimated."""
    bench.server.script("openai", Reply(told=TOLD, without=("end",)))
    result = bench.succeed()
    assert result.fallback_reason is None
    assert result.attempts[0].tokens_estimated
    assert result.cost_usd == cost(result.attempts[0]) > 0


@both_sides
@pytest.mark.parametrize("then", [drop, reset], ids=["closed", "broken off"])
def test_connection_may_break_after_a_complete_reply(bench: Bench, side: Side, then: Behaviour) -> None:
    """What the provider called complete is used, however the connection ends."""
    bench.server.script(side.first, Reply(told=TOLD, then=then))
    result = bench.succeed(side)
    assert (result.fallback_reason, result.generator_used) == (None, side.primary)
    assert bench.calls() == [side.first]


@both_sides
def test_complete_reply_is_not_held_up_by_an_open_connection(make_bench: MakeBench, side: Side) -> None:
    """After the provider's end mark nothing more is waited for."""
    bench = make_bench(limit_s=3.0)
    bench.server.script(side.first, Reply(told=TOLD, then=silence))
    result = bench.succeed(side)
    assert (result.fallback_reason, result.tokens) == (None, USED)
    assert result.generation_time_ms < 1500


@both_sides
@pytest.mark.parametrize("output", [10**12, 10**25], ids=["a trillion", "beyond 64 bits"])
def test_absurd_usage_is_booked_all_the_same(bench: Bench, side: Side, output: int) -> None:
    """A token count that no reply can have does not keep the run out of the audit log."""
    bench.server.script(side.first, reply(told=Told(output=output)))
    bench.run(side)
    assert GENERATED in bench.actions()


@both_sides
def test_text_that_no_database_can_store_is_booked(bench: Bench, side: Side) -> None:
    """NUL and half a surrogate pair, in values and keys, rejected or accepted, reach the audit log."""
    odd = workflow({"operation": "Zero \x00 and \ud800", "\x00\udfff": "\x00"}, {"step_type": "\x00"})
    bench.server.script(side.first, reply(odd, told=TOLD))
    bench.server.script(side.second, reply(odd.replace(json.dumps("\x00"), '"transform"'), told=TOLD))
    result = bench.run(side)
    assert isinstance(result, WorkflowGenerationResult)
    assert bench.actions() == [GENERATED, FALLBACK]


@dataclass(frozen=True)
class Flood:
    """A response that is too large to be a reply."""

    id: str
    behaviour: Behaviour
    reasons: set[FallbackReason]


HUNDRED_MB = 100_000_000
FLOODS = [
    Flood("endless line", flood(b"a"), {"api_error", "timeout"}),
    Flood("endless data", flood(b"data: " + b"a" * 60_000 + b"\n"), {"api_error", "timeout"}),
    Flood("endless comments", flood(b": ping\n\n"), {"api_error", "timeout"}),
    Flood("100 MB of text", flood_of_text("x" * 30_000, HUNDRED_MB), {"validation_failed"}),
    Flood("endless small pieces", flood_of_text("{"), {"validation_failed", "timeout"}),
    Flood("100 MB with an error", status(500, b"x" * HUNDRED_MB), {"api_error"}),
]


def peak_bytes() -> int:
    """The most memory that this process has ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@both_sides
@pytest.mark.parametrize("case", FLOODS, ids=lambda case: case.id)
def test_flood_is_bounded_and_named(make_bench: MakeBench, side: Side, case: Flood) -> None:
    """A provider that sends without end costs neither memory nor more time than an attempt has."""
    bench = make_bench(limit_s=1.0)
    bench.server.script(side.first, case.behaviour)
    before = peak_bytes()
    result = bench.succeed(side)
    assert result.fallback_reason in case.reasons
    assert result.attempts[0].duration_ms < 2500
    assert peak_bytes() - before < 250_000_000
    assert bench.calls() == [side.first, side.second]


@both_sides
def test_lines_without_an_end_cost_no_time(bench: Bench, side: Side) -> None:
    """A megabyte of short lines that never make an event does not stop the event loop that all runs share."""
    bench.server.script(side.first, flood(b"data: x\n", 1_000_000))
    result = bench.succeed(side)
    assert result.fallback_reason == "api_error"
    assert result.attempts[0].duration_ms < 1500


@pytest.mark.parametrize("field", ["depends_on", "required_tools"], ids=["rejected", "accepted with warnings"])
def test_audit_events_stay_small(bench: Bench, field: str) -> None:
    """A reply with a hundred thousand things wrong does not put a hundred thousand findings into the audit log."""
    bench.server.script("openai", reply(workflow({field: ["nobody"] * 75_000}), told=TOLD))
    bench.succeed()
    sizes = [len(json.dumps(details, default=str)) for _, details in bench.events()]
    assert max(sizes) < 100_000


def echo(where: Literal["message", "code"], key: str) -> Behaviour:
    """A 401 that quotes the caller's key."""
    error = {"type": "authentication_error", "code": "invalid_api_key", "message": f"Incorrect API key: {key}"}
    if where == "code":
        error |= {"type": key, "code": key}
    return status(401, json.dumps({"type": "error", "error": error}).encode())


def everything_said(bench: Bench, error: GenerationFailed, caplog: pytest.LogCaptureFixture) -> str:
    """Error text with its chain, logs, audit details and what is kept of the run."""
    query = "select to_jsonb(w)::text from workflows w where generation_id = %s"
    kept = bench.owner.execute(query, [error.generation_id]).fetchall()
    chain = "".join(traceback.format_exception(error))
    logs = [record.getMessage() + str(record.exc_info) + str(record.args) for record in caplog.records]
    return "\n".join([chain, *logs, repr(bench.events()), repr(kept), repr(vars(error))])


@pytest.mark.parametrize("where", ["message", "code"])
def test_keys_never_show(bench: Bench, caplog: pytest.LogCaptureFixture, where: Literal["message", "code"]) -> None:
    """A provider that quotes the key gets it into no log, no event and no error."""
    caplog.set_level(logging.DEBUG)
    bench.server.script("openai", echo(where, OPENAI_KEY))
    bench.server.script("anthropic", echo(where, ANTHROPIC_KEY))
    error = bench.run()
    assert isinstance(error, GenerationFailed)
    said = everything_said(bench, error, caplog)
    assert "orchestrator" in said
    assert OPENAI_KEY not in said
    assert ANTHROPIC_KEY not in said


@both_sides
def test_keys_never_show_from_inside_a_stream(bench: Bench, side: Side, caplog: pytest.LogCaptureFixture) -> None:
    """The same for an error that comes after the stream has begun."""
    caplog.set_level(logging.DEBUG)
    message = f"Bad keys {OPENAI_KEY} and {ANTHROPIC_KEY}"
    for provider in (side.first, side.second):
        bench.server.script(provider, in_stream_error((message, message), message, message))
    error = bench.run(side)
    assert isinstance(error, GenerationFailed)
    said = everything_said(bench, error, caplog)
    assert OPENAI_KEY not in said
    assert ANTHROPIC_KEY not in said


def test_many_runs_at_once_do_not_wait_for_each_other(make_bench: MakeBench) -> None:
    """Twenty runs whose first model is silent end at one limit, not at twenty."""
    bench = make_bench(limit_s=LIMIT_S)
    bench.server.script("openai", silence)
    request = checked_request(prompt="Sort.", services=[], agent_id="a", user_id="u", origin="api")
    start, options = bench.application.orchestrator.start, MINI_FIRST.options()
    jobs = [start(request, options, lambda event: None) for _ in range(20)]
    results = [job.future.result(timeout=20) for job in jobs]
    assert {result.fallback_reason for result in results} == {"timeout"}
    assert max(result.attempts[0].duration_ms for result in results) < 20 * LIMIT_S * 1000 / 2
    assert len(bench.calls()) == 40
