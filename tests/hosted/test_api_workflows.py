"""A workflow is answered in the documented shape, at once or as a stream."""

from __future__ import annotations

import re

import httpx
import psycopg
import pytest

from orchestrator.simulator import Fault
from tests.hosted.api_rig import (
    BODY,
    FIELDS,
    PROMPT,
    ROUTE,
    STREAM,
    Models,
    api_fixture,
    console_fixture,
    desk_fixture,
    events_in,
    exactly,
    models_fixture,
    rows,
    serve_fixture,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]


def test_a_workflow_is_answered_in_the_documented_shape(api: httpx.Client, owner: psycopg.Connection) -> None:
    """Every documented field is there with its type, money is a plain number, and the database has the same figures."""
    answer = api.post(ROUTE, json=BODY)
    result = exactly(answer)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert set(result) == FIELDS
    assert (result["generator_used"], result["validation_passed"]) == ("gpt-4o-mini", True)
    assert result["fallback_reason"] is None
    assert (result["agent_id"], result["simulated"]) == ("agent-1", True)
    assert {step["service"] for step in result["pilot_steps"]} >= {"Slack", "Jira"}
    used = result["tokens_used"]
    assert set(used) == {"input", "output", "total"}
    assert used["total"] == used["input"] + used["output"] > 1_000
    assert result["generation_time_ms"] >= 0
    assert re.search(r'"cost_usd": 0\.\d+[,}]', answer.text)
    assert not re.search(r'_usd": ("|[\d.]+[eE])', answer.text)
    (attempt,) = result["attempts"]
    assert result["cost_usd"] == attempt["cost_usd"] > 0
    assert rows(owner, "select generation_id::text, cost_usd, pilot_steps, origin, status from public.workflows") == [
        (result["generation_id"], result["cost_usd"], result["pilot_steps"], "api", "succeeded")
    ]
    assert rows(owner, "select (details ->> 'cost_usd')::numeric from public.audit_logs") == [result["cost_usd"]]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.BAD_STEP, "validation_failed"),
        (Fault.SERVER_ERROR, "api_error"),
        (Fault.RATE_LIMIT, "rate_limit"),
    ],
)
def test_the_second_model_steps_in(api: httpx.Client, models: Models, fault: Fault, reason: str) -> None:
    """The answer says why, costs both attempts, and counts the tokens of the accepted answer only."""
    models.faults = {"openai": fault}
    result = exactly(api.post(ROUTE, json=BODY))

    rejected, accepted = result["attempts"]
    assert (result["generator_used"], result["fallback_reason"]) == ("claude-sonnet-4", reason)
    assert (rejected["outcome"], accepted["outcome"]) == (reason, "succeeded")
    assert result["cost_usd"] == rejected["cost_usd"] + accepted["cost_usd"]
    assert result["wasted_cost_usd"] == rejected["cost_usd"]
    assert result["tokens_used"]["total"] == accepted["tokens"]["total"]
    assert result["tokens_wasted"]["total"] == rejected["tokens"]["total"]


def test_an_agent_and_services_may_be_left_out(api: httpx.Client) -> None:
    """A new agent gets an id of its own each time."""
    first, second = (api.post(ROUTE, json={"prompt": PROMPT}).json()["agent_id"] for _ in range(2))

    assert first != second


def test_events_tell_what_happens_meanwhile(api: httpx.Client) -> None:
    """The attempt, each of its steps, and the same result that is stored."""
    answer = api.post(ROUTE, json=BODY, headers=STREAM)
    (began, *steps, (last, result)) = events_in(answer.text)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert began[0] == "attempt_started"
    assert began[1]["number"] == 0
    assert began[1]["model"] == "gpt-4o-mini"
    assert [name for name, _ in steps] == ["step_accepted"] * len(result["pilot_steps"])
    assert [data["step"] for _, data in steps] == result["pilot_steps"]
    assert [data["index"] for _, data in steps] == list(range(len(steps)))
    assert (last, set(result)) == ("finished", FIELDS)
    assert exactly(api.get(f"/generations/{result['generation_id']}"))["result"] == result


def test_events_tell_of_a_failed_attempt(api: httpx.Client, models: Models) -> None:
    """The failed attempt comes with its reason and its price, before the second one starts."""
    models.faults = {"openai": Fault.NOT_JSON}
    told = events_in(api.post(ROUTE, json=BODY, headers=STREAM).text)
    names = [name for name, _ in told]

    assert names[:3] == ["attempt_started", "attempt_failed", "attempt_started"]
    assert set(names[3:-1]) == {"step_accepted"}
    assert names[-1] == "finished"
    failed, result = told[1][1], told[-1][1]
    assert (failed["number"], failed["reason"]) == (0, "validation_failed")
    assert failed["attempt"]["cost_usd"] == result["attempts"][0]["cost_usd"]


def test_a_stream_without_a_workflow_ends_with_a_problem(api: httpx.Client, models: Models) -> None:
    """Both models fail: the last event is the problem document that the plain answer would have been."""
    models.faults = {"openai": Fault.SERVER_ERROR, "anthropic": Fault.OVERLOADED}
    told = events_in(api.post(ROUTE, json=BODY, headers=STREAM).text)

    assert [name for name, _ in told] == ["attempt_started", "attempt_failed"] * 2 + ["problem"]
    document = told[-1][1]
    assert (document["status"], document["code"]) == (502, "generation_failed")
    assert [attempt["outcome"] for attempt in document["attempts"]] == ["api_error", "api_error"]
    assert api.get(f"/generations/{document['generation_id']}").json()["problem"]["code"] == "generation_failed"
