"""What a generation records."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from orchestrator import Application, GenerationFailed, Overrides, WorkflowGenerationResult
from orchestrator.models.catalogue import CATALOGUE
from orchestrator.models.pricing import price
from orchestrator.simulator import Fault, SimulatedTransport
from store.identity import LOCAL_PERSON_ID
from tests.conftest import NOW
from tests.generation.conftest import PROMPT, Ask, Log

REASONS = [
    (Fault.BAD_STEP, "validation_failed"),
    (Fault.NOT_JSON, "validation_failed"),
    (Fault.EMPTY, "validation_failed"),
    (Fault.REFUSED, "validation_failed"),
    (Fault.TRUNCATED, "validation_failed"),
    (Fault.SERVER_ERROR, "api_error"),
    (Fault.OVERLOADED, "api_error"),
    (Fault.NO_CONNECTION, "api_error"),
    (Fault.NOT_THE_PROTOCOL, "api_error"),
    (Fault.CUT_STREAM, "api_error"),
    (Fault.ERROR_IN_STREAM, "api_error"),
    (Fault.RATE_LIMIT, "rate_limit"),
    (Fault.RATE_LIMIT_IN_STREAM, "rate_limit"),
]
OTHER_WAY_ROUND = Overrides(primary="claude-sonnet-4", fallback="gpt-4o-mini")


def exact_cost(result: WorkflowGenerationResult) -> Decimal:
    """Tokens times price of every attempt, added up independently of the result's own sum."""
    total = Decimal(0)
    for attempt in result.attempts:
        model = next(model for model in CATALOGUE.values() if model.api_model == attempt.api_model)
        total += price(model, attempt.tokens, NOW) or Decimal(0)
    return total


def test_a_success_is_one_event_and_one_row(application: Application, ask: Ask, log: Log) -> None:
    """One WORKFLOW_GENERATED event with every field of the contract, and the row with its steps."""
    result = ask(application, origin="playground")
    details = log.details("WORKFLOW_GENERATED")

    assert log.actions() == ["WORKFLOW_GENERATED"]
    assert details["generator_used"] == "gpt-4o-mini"
    assert details["steps_generated"] == len(result.pilot_steps)
    assert details["tokens_used"] == result.tokens_used
    assert details["validation_passed"] is True
    assert details["generation_time_ms"] == result.generation_time_ms
    assert details["generation_id"] == str(result.generation_id)
    assert (details["origin"], details["overridden"], details["simulated"]) == ("playground", False, True)
    assert (details["config_version"], details["prompt_version"]) == (1, 1)
    assert "fallback_reason" not in details
    assert log.column("select pilot_steps from public.workflows") == [list(result.pilot_steps)]
    assert log.column("select status from public.workflows") == ["succeeded"]


def test_the_event_stands_in_its_columns(
    application: Application, ask: Ask, owner: psycopg.Connection, log: Log
) -> None:
    """Agent, user, severity and compliance flags are in the columns where other systems expect them.

    A host whose clock is days behind records no event before the database's time of the start.
    """
    ask(application)
    row = owner.cursor(row_factory=dict_row).execute("select * from public.audit_logs").fetchone()

    assert row is not None
    assert (row["entity_type"], row["entity_id"]) == ("agent", "agent-1")
    assert str(row["user_id"]) == LOCAL_PERSON_ID == row["actor_id"]
    assert (row["severity"], row["compliance_flags"]) == ("info", ["SOC2"])
    assert [row["timestamp"]] == log.column("select started_at from public.workflows")


def test_money_is_an_exact_number(application: Application, ask: Ask, log: Log) -> None:
    """In the log as in the result: tokens times price, to the last digit, as a JSON number."""
    result = ask(application)

    assert result.cost_usd == exact_cost(result)
    assert log.column("select (details->>'cost_usd')::numeric from public.audit_logs") == [result.cost_usd]
    assert log.column("select jsonb_typeof(details->'cost_usd') from public.audit_logs") == ["number"]
    assert log.column("select cost_usd from public.workflows") == [result.cost_usd]
    assert result.savings_usd is not None
    assert result.savings_usd + result.cost_usd == result.baseline_cost_usd


@pytest.mark.parametrize("overrides", [None, OTHER_WAY_ROUND], ids=["mini first", "claude first"])
@pytest.mark.parametrize(("fault", "reason"), REASONS, ids=[fault.value for fault, _ in REASONS])
def test_a_fallback_is_told_priced_and_booked_once(
    application: Application,
    simulator: SimulatedTransport,
    ask: Ask,
    log: Log,
    fault: Fault,
    reason: str,
    overrides: Overrides | None,
) -> None:
    """Two calls, one FALLBACK event, one GENERATED event, both attempts in the cost."""
    result = ask(application, primary_fault=fault, overrides=overrides)

    assert simulator.requests == 2
    assert log.actions() == ["WORKFLOW_GENERATION_FALLBACK", "WORKFLOW_GENERATED"]
    assert result.fallback_reason == reason == log.details("WORKFLOW_GENERATED")["fallback_reason"]
    assert [attempt.outcome for attempt in result.attempts] == [reason, "succeeded"]
    assert result.cost_usd == exact_cost(result)
    assert result.wasted_cost_usd == result.attempts[0].cost_usd
    assert result.tokens_used["total"] == result.attempts[1].tokens.total
    assert log.details("WORKFLOW_GENERATION_FALLBACK")["reason"] == reason
    assert log.details("WORKFLOW_GENERATED")["overridden"] is (overrides is not None)
    assert log.details("WORKFLOW_GENERATED")["forced_fault"] == fault.value


def test_a_rejected_answer_leaves_findings_and_a_fingerprint(application: Application, ask: Ask, log: Log) -> None:
    """The log holds path, code, length and hash; the text itself is only in the generation's row."""
    ask(application, primary_fault=Fault.BAD_STEP)
    details = log.details("WORKFLOW_GENERATION_FALLBACK")
    ((rejected,),) = log.column("select rejected_outputs from public.workflows")

    assert details["findings"] == [{"path": "$.pilot_steps[1].step_type", "code": "step_type_unknown"}]
    assert details["rejected_output"]["length"] == len(rejected["text"])
    assert details["rejected_output"]["sha256"] == hashlib.sha256(rejected["text"].encode()).hexdigest()


def test_the_log_never_holds_what_people_typed(application: Application, ask: Ask, log: Log) -> None:
    """No event contains the prompt or a word written by a model."""
    ask(application, primary_fault=Fault.BAD_STEP)
    for text in log.column("select to_jsonb(audit_logs)::text from public.audit_logs"):
        assert "urgent" not in text
        assert "Slack" not in text
    assert log.column("select prompt from public.workflows") == [PROMPT]


@pytest.mark.parametrize("fault", [Fault.BAD_STEP, Fault.RATE_LIMIT, Fault.CUT_STREAM])
def test_a_failure_without_fallback(application: Application, ask: Ask, log: Log, fault: Fault) -> None:
    """One attempt, one FAILED event, no FALLBACK event; the error carries the attempts."""
    with pytest.raises(GenerationFailed) as caught:
        ask(application, primary_fault=fault, overrides=Overrides(fallback_enabled=False))

    assert log.actions() == ["WORKFLOW_GENERATION_FAILED"]
    assert log.column("select severity from public.audit_logs") == ["critical"]
    assert len(caught.value.attempts) == 1
    assert log.details("WORKFLOW_GENERATION_FAILED")["attempts"][0]["outcome"] == caught.value.attempts[0].outcome
    assert log.column("select status from public.workflows") == ["failed"]


CONTRACT = {
    "rate": """
    SELECT COUNT(*) FILTER (WHERE details->>'fallback_reason' IS NOT NULL) * 100.0 / COUNT(*) as fallback_rate
    FROM audit_logs WHERE action = 'WORKFLOW_GENERATED' AND timestamp > NOW() - INTERVAL '7 days';""",
    "cost": """
    SELECT SUM((details->>'cost_usd')::decimal) as total_cost, COUNT(*) as total_workflows,
        details->>'generator_used' as generator
    FROM audit_logs WHERE action = 'WORKFLOW_GENERATED' GROUP BY generator;""",
}


def test_the_documented_statements_agree(application: Application, ask: Ask, owner: psycopg.Connection) -> None:
    """The two documented monitoring statements run unchanged and agree with the results."""
    results = [ask(application), ask(application), ask(application), ask(application, primary_fault=Fault.BAD_STEP)]
    owner.execute("alter table public.audit_logs disable trigger user")
    owner.execute("update public.audit_logs set timestamp = now()")
    expected: dict[str, list[Any]] = {}
    for result in results:
        expected.setdefault(result.generator_used, []).append(result.cost_usd)

    assert owner.execute(CONTRACT["rate"]).fetchone() == (Decimal(25),)
    assert {row[2]: (row[0], row[1]) for row in owner.execute(CONTRACT["cost"]).fetchall()} == {
        generator: (sum(costs), len(costs)) for generator, costs in expected.items()
    }


def test_a_workflow_asked_for_again_names_the_first(application: Application, ask: Ask, log: Log) -> None:
    """The second generation's event carries the first one's id."""
    first = ask(application)
    ask(application, replaces_generation_id=first.generation_id)
    replaced = log.column("select details->>'replaces_generation_id' from public.audit_logs order by 1 nulls last")

    assert replaced == [str(first.generation_id), None]
