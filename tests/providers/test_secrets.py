"""No key is revealed, wherever a provider repeats it."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Literal

import pytest

from orchestrator import GenerationFailed
from orchestrator.request import checked_request
from tests.providers.behaviours import in_stream_error, silence, status
from tests.providers.conftest import ANTHROPIC_KEY, MINI_FIRST, OPENAI_KEY, Bench, MakeBench, Side, both_sides
from tests.providers.exchange import Behaviour
from tests.providers.recorded import LIMIT_S


def echo(where: Literal["message", "code"], key: str) -> Behaviour:
    """A 401 that quotes the caller's key."""
    error = {"type": "authentication_error", "code": "invalid_api_key", "message": f"Incorrect API key: {key}"}
    if where == "code":
        error |= {"type": key, "code": key}
    return status(401, json.dumps({"type": "error", "error": error}).encode())


def everything_said(bench: Bench, error: GenerationFailed, caplog: pytest.LogCaptureFixture) -> str:
    """Error text with its chain, logs, audit details and what is stored about the generation."""
    query = "select to_jsonb(w)::text from workflows w where generation_id = %s"
    kept = bench.owner.execute(query, [error.generation_id]).fetchall()
    chain = "".join(traceback.format_exception(error))
    logs = [record.getMessage() + str(record.exc_info) + str(record.args) for record in caplog.records]
    return "\n".join([chain, *logs, repr(bench.events()), repr(kept), repr(vars(error))])


@pytest.mark.parametrize("where", ["message", "code"])
def test_keys_never_show(bench: Bench, caplog: pytest.LogCaptureFixture, where: Literal["message", "code"]) -> None:
    """If a provider quotes the key, it gets into no log, no event and no error."""
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
    """The same holds for an error after the stream has begun."""
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
    """Twenty generations whose first model is silent end after one time limit, not after twenty."""
    # Long enough for the silent model to have heard of each, however busy the machine is.
    limit_s = 4 * LIMIT_S
    bench = make_bench(limit_s=limit_s)
    bench.server.script("openai", silence)
    request = checked_request(prompt="Sort.", services=[], agent_id="a", user_id="u", origin="api")
    start, options = bench.application.orchestrator.start, MINI_FIRST.options()
    jobs = [start(request, options, lambda event: None) for _ in range(20)]
    results = [job.future.result(timeout=20) for job in jobs]
    assert {result.fallback_reason for result in results} == {"timeout"}
    assert max(result.attempts[0].duration_ms for result in results) < 20 * limit_s * 1000 / 2
    assert len(bench.calls()) == 40
