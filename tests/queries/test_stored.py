"""Past generations, read back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from orchestrator import Application, GenerationFailed, GenerationOptions, WorkflowGenerationResult, save_settings
from orchestrator.simulator import Fault
from orchestrator.system_keys import ENABLE_FALLBACK
from queries.filters import Filters
from queries.period import latest
from queries.records.generations import Which, generations
from queries.records.stored import find_generation, latest_generations
from store import clock
from store.identity import LOCAL_PERSON_ID
from tests.conftest import PooledStore


def generate(application: Application, prompt: str, fault: Fault | None = None) -> WorkflowGenerationResult:
    return application.orchestrator.generate_workflow(
        user_id=LOCAL_PERSON_ID,
        agent_id=None,
        prompt=prompt,
        services=["Slack"],
        options=GenerationOptions(primary_fault=fault),
    )


def test_a_run_comes_back_as_it_was(application: Application, store: PooledStore) -> None:
    """Steps, attempts, findings and money equal those of the result, to the last digit."""
    result = generate(application, "Tell Slack", Fault.BAD_STEP)
    run = find_generation(store.person(), result.generation_id)

    assert run is not None
    assert (run.status, run.prompt, run.services) == ("succeeded", "Tell Slack", ["Slack"])
    assert run.pilot_steps == list(result.pilot_steps)
    assert [attempt.cost_usd for attempt in run.attempts] == [attempt.cost_usd for attempt in result.attempts]
    assert (run.cost_usd, run.figures.savings_usd) == (result.cost_usd, result.savings_usd)
    assert run.figures.fallback_reason == "validation_failed"
    assert run.findings[0].path == "$.pilot_steps[1].step_type"
    assert run.rejected_outputs[0].attempt == 0


def test_a_failed_run_says_how_long_it_took(application: Application, store: PooledStore) -> None:
    """It is the sum of its attempts' durations, as in its event."""
    save_settings(store.person(), {ENABLE_FALLBACK.name: False})
    with pytest.raises(GenerationFailed) as failed:
        generate(application, "Tell Slack", Fault.BAD_STEP)
    assert failed.value.generation_id is not None
    run = find_generation(store.person(), failed.value.generation_id)

    assert run is not None
    assert (run.status, run.duration_ms) == ("failed", sum(attempt.duration_ms for attempt in failed.value.attempts))


def test_there_is_no_run_of_an_unknown_id(store: PooledStore) -> None:
    """None, not an error."""
    assert find_generation(store.person(), uuid4()) is None


def test_a_caller_may_choose_the_id(application: Application, store: PooledStore) -> None:
    """So that a page can put the generation into its URL before it finishes."""
    chosen = UUID("11111111-1111-4111-8111-111111111111")
    request: dict[str, Any] = {"user_id": LOCAL_PERSON_ID, "agent_id": None, "prompt": "x", "services": []}
    application.orchestrator.generate_workflow(**request, options=GenerationOptions(generation_id=chosen))

    assert find_generation(store.person(), chosen) is not None


def test_the_latest_runs_are_listed(application: Application, store: PooledStore) -> None:
    """Newest first, with their cost."""
    first, second = generate(application, "Alert the TEAM"), generate(application, "Send 100 % of it")
    everything = latest_generations(store.person())

    assert list(everything["generation_id"]) == [second.generation_id, first.generation_id]
    assert list(everything["cost_usd"]) == [second.cost_usd, first.cost_usd]
    assert list(everything["steps"]) == [len(second.pilot_steps), len(first.pilot_steps)]


def test_runs_can_be_searched(application: Application, store: PooledStore) -> None:
    """By part of the prompt in any case, or part of the id; a wildcard stands for itself."""
    first, second = generate(application, "Alert the TEAM"), generate(application, "Send 100 % of it")
    # An event is never before its start, which is the database's current time.
    today = latest(3, "UTC", clock.system() + timedelta(days=1))

    def found(text: str) -> list[str]:
        rows = generations(store.person(), today.begins, today.ends, Filters(), Which(search=text))
        return rows["generation_id"].tolist()

    assert found("team") == [str(first.generation_id)]
    assert found("100 %") == found(str(second.generation_id)) == [str(second.generation_id)]
    assert found("_lert") == []


def test_an_empty_console_has_no_runs(store: PooledStore) -> None:
    """The columns are there anyway."""
    assert "prompt" in latest_generations(store.person()).columns
