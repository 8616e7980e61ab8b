"""The routes of the API: workflows, settings, figures, and what describes them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import httpx
import psycopg
import pytest

import queries.__main__
from orchestrator import Application
from orchestrator.simulator import Fault
from store.identity import LOCAL_PERSON_ID
from tests.conftest import SAMPLE_UNTIL, MakeApplication, PooledStore
from tests.hosted.api_rig import (
    BODY,
    PROMPT,
    ROUTE,
    STREAM,
    Models,
    Serve,
    api_fixture,
    bearer,
    console_fixture,
    desk_fixture,
    events_in,
    exactly,
    models_fixture,
    problem_in,
    rows,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

FIELDS = {
    "pilot_steps", "generator_used", "validation_passed", "generation_time_ms", "tokens_used", "cost_usd",
    "fallback_reason", "generation_id", "agent_id", "api_model", "attempts", "unpriced_attempts", "wasted_cost_usd",
    "tokens_wasted", "baseline_cost_usd", "savings_usd", "findings", "config_version", "prompt_version", "simulated",
}  # fmt: skip
ROUTES = {
    "/generate-agent-v2": {"post"},
    "/generations/{generation_id}": {"get"},
    "/settings": {"get"},
    "/report": {"get"},
    "/audit-events": {"get", "post"},
}
NOBODYS = uuid4()


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


def test_a_generation_can_be_read_again(api: httpx.Client) -> None:
    """Its result is the one that was answered, digit by digit."""
    answer = api.post(ROUTE, json=BODY)
    again = api.get(f"/generations/{answer.json()['generation_id']}")

    assert again.json()["status"] == "succeeded"
    assert "problem" not in again.json()
    assert answer.text in again.text


def test_others_generations_look_like_none(serve: Serve, console: Application, store: PooledStore) -> None:
    """A token reads its own; another's answers exactly as one that does not exist; the admin reads all."""
    api = serve(console)
    mine, other = (bearer(token_of(store, "generate")) for _ in range(2))
    generation_id = api.post(ROUTE, json=BODY, headers=mine).json()["generation_id"]

    assert api.get(f"/generations/{generation_id}", headers=mine).status_code == 200
    assert api.get(f"/generations/{generation_id}").status_code == 200
    refused = api.get(f"/generations/{generation_id}", headers=other)
    assert problem_in(refused) == (404, "not_found")
    assert refused.text == api.get(f"/generations/{NOBODYS}", headers=other).text


def test_a_running_generation_has_no_result_yet(api: httpx.Client, models: Models, owner: psycopg.Connection) -> None:
    """Its status is `running`, and later `succeeded`."""
    models.may_answer.clear()
    with api.stream("POST", ROUTE, json=BODY, headers=STREAM) as answer:
        lines = answer.iter_lines()
        next(lines)
        (generation_id,) = rows(owner, "select generation_id::text from public.workflows")
        assert api.get(f"/generations/{generation_id}").json() == {"generation_id": generation_id, "status": "running"}
        models.may_answer.set()
        assert "event: finished" in list(lines)

    assert api.get(f"/generations/{generation_id}").json()["status"] == "succeeded"


def test_a_failed_generation_says_why(api: httpx.Client, models: Models) -> None:
    """It has a problem in place of a result, with the sentence that was answered."""
    models.faults = {"openai": Fault.SERVER_ERROR, "anthropic": Fault.SERVER_ERROR}
    refused = api.post(ROUTE, json=BODY)
    generation_id = refused.json()["generation_id"]

    assert api.get(f"/generations/{generation_id}").json() == {
        "generation_id": generation_id,
        "status": "failed",
        "problem": {"code": "generation_failed", "detail": refused.json()["detail"]},
    }


def test_an_erased_workflow_is_gone(api: httpx.Client, store: PooledStore) -> None:
    """Its texts were erased on request: 410, also for a repetition of the request that made it."""
    key = {"idempotency-key": "order-7"}
    result = api.post(ROUTE, json=BODY, headers=key).json()
    store.person().call("erase_texts", p_actor=LOCAL_PERSON_ID)

    assert problem_in(api.get(f"/generations/{result['generation_id']}")) == (410, "text_erased")
    assert problem_in(api.post(ROUTE, json=BODY, headers=key)) == (410, "text_erased")


def test_settings_are_those_of_the_next_generation(api: httpx.Client, store: PooledStore) -> None:
    """The three keys, and the number of the save that changed them."""
    before = api.get("/settings")
    store.person().call("save_settings", p_changes={"orchestrator_primary_model": "claude-sonnet-4"})
    after = api.get("/settings").json()

    assert before.json()["settings"] == {
        "orchestrator_primary_model": "gpt-4o-mini",
        "orchestrator_fallback_model": "claude-sonnet-4",
        "orchestrator_enable_fallback": True,
    }
    assert before.headers["cache-control"] == "no-store"
    assert after["settings"] == before.json()["settings"] | {"orchestrator_primary_model": "claude-sonnet-4"}
    assert after["version"] > before.json()["version"]
    result = api.post(ROUTE, json=BODY).json()
    assert (result["generator_used"], result["config_version"]) == ("claude-sonnet-4", after["version"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"time_zone": "Asia/Kathmandu", "source": "all"},
        {"from": (SAMPLE_UNTIL - timedelta(days=9)).isoformat(), "to": SAMPLE_UNTIL.isoformat()},
        {"from": "2026-11-01", "source": "real"},
    ],
)
def test_the_report_is_the_one_of_the_terminal(
    serve: Serve,
    make_application: MakeApplication,
    sample: PooledStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, str],
) -> None:
    """Every figure of the sample company is the same, to the last digit, for the same options."""
    api = serve(make_application())
    monkeypatch.setattr(queries.__main__, "connect", lambda settings: sample)
    arguments = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", value)]
    assert queries.__main__.main(["report", "--json", *arguments]) == 0
    answer = api.get("/report", params=options)

    assert answer.text == capsys.readouterr().out.rstrip("\n")
    assert options.get("source") == "real" or exactly(answer)["cost_usd"] > Decimal(1)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "invalid_period"),
        ({"from": "0001-01-01"}, "invalid_period"),
        ({"to": "9999-12-31"}, "invalid_period"),
        ({"time_zone": "Mars/Olympus"}, "invalid_period"),
        ({"time_zone": "../../etc/passwd"}, "invalid_period"),
        ({"time_zone": "x" * 65}, "invalid_request"),
        ({"from": "yesterday"}, "invalid_request"),
        ({"source": "imaginary"}, "invalid_request"),
    ],
)
def test_an_impossible_period_is_refused(api: httpx.Client, options: dict[str, str], code: str) -> None:
    """The answer is 422 with a sentence."""
    assert problem_in(api.get("/report", params=options)) == (422, code)


def test_the_description_names_every_route(api: httpx.Client) -> None:
    """The OpenAPI document has each route with its methods, and a schema for each answer of status 200."""
    document = api.get("/openapi.json").json()

    assert {path: set(methods) for path, methods in document["paths"].items()} == ROUTES
    assert document["servers"] == [{"url": "/api"}]
    assert set(document["components"]["schemas"]["ResultDocument"]["properties"]) == FIELDS
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert {"401", "403", "422", "429", "503"} < set(operation["responses"]), path
            assert operation["summary"]


def test_the_description_names_the_stream(api: httpx.Client) -> None:
    """Whoever reads the document learns that the route can answer with events."""
    answer = api.get("/openapi.json").json()["paths"][ROUTE]["post"]["responses"]["200"]

    assert "text/event-stream" in answer["content"]


def test_the_description_gives_problems_their_schema(api: httpx.Client) -> None:
    """Errors are described under the media type with which they are sent."""
    answers = api.get("/openapi.json").json()["paths"]["/settings"]["get"]["responses"]

    assert answers["403"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }


def test_the_description_says_how_to_sign_in(api: httpx.Client) -> None:
    """A generated client sends the bearer token by itself."""
    schemes = api.get("/openapi.json").json()["components"].get("securitySchemes", {})

    assert any(scheme.get("scheme") == "bearer" for scheme in schemes.values())


def test_the_health_check_needs_no_sign_in(api: httpx.Client) -> None:
    """It answers 200 while the database does, whatever token is sent."""
    answer = api.get("/health", headers=bearer("oc_nobody's"))

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"
