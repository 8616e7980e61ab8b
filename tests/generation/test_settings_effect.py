"""The system keys: who may change them, what is recorded, and when it takes effect."""

from __future__ import annotations

import psycopg
import pytest

from orchestrator import (
    Application,
    InvalidSettings,
    ModelNotConfigured,
    OrchestratorSettings,
    read_settings,
    save_settings,
)
from orchestrator.simulator import SimulatedTransport
from store import Conflict, InvalidInput, NotPermitted
from tests.conftest import MakeApplication, PooledStore
from tests.generation.conftest import Ask, Log

PRIMARY, FALLBACK, ENABLED = (
    "orchestrator_primary_model",
    "orchestrator_fallback_model",
    "orchestrator_enable_fallback",
)


def test_a_change_takes_effect_on_the_next_generation(
    make_application: MakeApplication, simulator: SimulatedTransport, store: PooledStore, ask: Ask
) -> None:
    """The orchestrators of two processes follow at once, and results name the version."""
    first, second = make_application(transport=simulator), make_application(transport=simulator)
    before = [ask(first), ask(second)]
    save_settings(store.person(), {PRIMARY: "claude-sonnet-4"})
    after = [ask(first), ask(second)]

    assert [(result.generator_used, result.config_version) for result in before] == [("gpt-4o-mini", 1)] * 2
    assert [(result.generator_used, result.config_version) for result in after] == [("claude-sonnet-4", 2)] * 2
    assert {result.api_model for result in after} == {"claude-sonnet-4-6"}


def test_a_save_is_one_event_with_before_and_after(store: PooledStore, log: Log) -> None:
    """Unchanged keys are not in it; a save that changes nothing leaves no event."""
    save_settings(store.person(), {PRIMARY: "claude-sonnet-4", FALLBACK: "claude-sonnet-4"}, expected_version=1)
    save_settings(store.person(), {PRIMARY: "claude-sonnet-4"})

    assert log.actions() == ["SYSTEM_CONFIG_UPDATED"]
    assert log.details("SYSTEM_CONFIG_UPDATED") == {"version": 2}
    assert log.column("select changes from public.audit_logs") == [
        {PRIMARY: {"before": "gpt-4o-mini", "after": "claude-sonnet-4"}}
    ]
    assert log.column("select severity || entity_type from public.audit_logs") == ["warningsystem_config"]


def test_a_change_by_hand_is_recorded_too(store: PooledStore, owner: psycopg.Connection, log: Log) -> None:
    """An update in SQL gets its own version, history entry and event like any other."""
    owner.execute("update public.system_settings_config set value = 'false' where key = %s", [ENABLED])

    assert read_settings(store.person()).version == 2
    assert log.column("select changed_by || after::text from public.system_settings_history") == ["postgresfalse"]
    assert log.actions() == ["SYSTEM_CONFIG_UPDATED"]


def test_a_key_that_is_removed_and_added_by_hand_is_recorded_too(
    store: PooledStore, owner: psycopg.Connection, log: Log
) -> None:
    """It is null while it is missing, when its default applies; saving on top of an older version is a conflict."""
    owner.execute("delete from public.system_settings_config where key = %s", [FALLBACK])
    assert read_settings(store.person()) == OrchestratorSettings("gpt-4o-mini", "claude-sonnet-4", True, 2)
    owner.execute("insert into public.system_settings_config (key, value) values (%s, %s)", [FALLBACK, '"gpt-6-luna"'])

    assert read_settings(store.person()) == OrchestratorSettings("gpt-4o-mini", "gpt-6-luna", True, 3)
    assert log.column("select changes from public.audit_logs order by details ->> 'version'") == [
        {FALLBACK: {"before": "claude-sonnet-4", "after": None}},
        {FALLBACK: {"before": None, "after": "gpt-6-luna"}},
    ]
    with pytest.raises(Conflict):
        save_settings(store.person(), {PRIMARY: "gpt-6-luna"}, expected_version=1)
    owner.execute("truncate public.system_settings_config")
    assert read_settings(store.person()).version == 4
    assert save_settings(store.person(), {PRIMARY: "gpt-6-luna"}, expected_version=4).primary == "gpt-6-luna"


def test_other_keys_of_the_table_stay_out_of_the_log(owner: psycopg.Connection, log: Log) -> None:
    """They may be secrets."""
    statement = "insert into public.system_settings_config (key, value) values ('orchestrator_token', '\"a\"')"
    owner.execute(statement.encode())
    owner.execute("update public.system_settings_config set value = '7' where key = 'orchestrator_token'")

    assert log.actions() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({PRIMARY: "gpt-99"}, "must be one of"),
        ({PRIMARY: True}, "must be one of"),
        ({ENABLED: "yes"}, "must be true or false"),
        ({"colour": "red"}, "no such setting"),
        ({FALLBACK: "gpt-4o-mini", PRIMARY: ""}, "must be one of"),
    ],
)
def test_a_refused_value_changes_nothing(
    store: PooledStore, log: Log, changes: dict[str, str | bool], sentence: str
) -> None:
    """One bad value rejects the whole save, with the database's own sentence."""
    with pytest.raises(InvalidInput, match=sentence):
        save_settings(store.person(), changes)

    assert read_settings(store.person()).version == 1
    assert log.actions() == []


def test_a_save_on_an_old_version_is_a_conflict(store: PooledStore) -> None:
    """The second save is rejected instead of overwriting the first."""
    save_settings(store.person(), {ENABLED: False}, expected_version=1)
    with pytest.raises(Conflict, match="load them again"):
        save_settings(store.person(), {ENABLED: True}, expected_version=1)

    assert read_settings(store.person()).fallback_enabled is False


def test_the_orchestrator_itself_cannot_change_them(store: PooledStore) -> None:
    """Its machine identity may record, and nothing else."""
    with pytest.raises(NotPermitted, match="admin"):
        save_settings(store.machine(), {ENABLED: False})


@pytest.mark.parametrize("value", ['"gpt-99"', "7", "{}", '"\\"gpt-4o-mini"', "null"])
def test_a_broken_key_refuses_before_any_call(
    application: Application, simulator: SimulatedTransport, owner: psycopg.Connection, ask: Ask, value: str
) -> None:
    """Whatever the row holds, the message says what to do, and no model is asked."""
    owner.execute("update public.system_settings_config set value = %s::jsonb where key = %s", [value, PRIMARY])

    with pytest.raises(InvalidSettings, match=PRIMARY):
        ask(application)
    assert simulator.requests == 0


def test_without_the_primary_s_key_nothing_is_asked(make_application: MakeApplication, ask: Ask) -> None:
    """With one provider's key, the other is not configured: rejected as primary, not simulated."""
    application = make_application(environment={"ANTHROPIC_API_KEY": "sk-test"})

    with pytest.raises(ModelNotConfigured, match="OPENAI_API_KEY"):
        ask(application)


def test_the_price_table_agrees_with_the_library(owner: psycopg.Connection) -> None:
    """Every row equals what genai-prices says for its dates, for each kind of token."""
    from datetime import UTC, datetime
    from decimal import Decimal

    from orchestrator.models.catalogue import CATALOGUE
    from orchestrator.models.pricing import price
    from orchestrator.models.tokens import Tokens

    number = 100_000  # below the size at which long prompts cost more
    rows = owner.execute(
        "select model, coalesce(effective_to, current_date), input_usd_per_mtok, cached_input_usd_per_mtok, "
        "cache_write_usd_per_mtok, output_usd_per_mtok from public.model_prices"
    ).fetchall()
    assert {row[0] for row in rows} == set(CATALOGUE)
    for name, until, fresh, cached, written, output in rows:
        at = datetime(until.year, until.month, until.day, tzinfo=UTC)
        kinds = {
            Tokens(input=number): fresh,
            Tokens(input=number, cached_input=number): cached,
            Tokens(input=number, cache_write_input=number): fresh if written is None else written,
            Tokens(output=number): output,
        }
        for tokens, usd_per_mtok in kinds.items():
            assert price(CATALOGUE[name], tokens, at) == usd_per_mtok / 10, (name, tokens)
    assert Decimal("0.15") in {row[2] for row in rows}
