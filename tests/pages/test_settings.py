"""The settings page without a browser."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from orchestrator import InvalidSettings, OrchestratorSettings, read_settings, save_settings
from orchestrator.system_keys import ENABLE_FALLBACK, FALLBACK, PRIMARY
from pages.parts import console
from pages.parts.changes.undo import values_before
from queries.changes import Change
from store import clock
from tests.conftest import NOW, MakeApplication, PooledStore
from tests.pages.conftest import OpenPage, press, said, shell

MINI, CLAUDE = "gpt-4o-mini", "claude-sonnet-4"


@pytest.fixture(name="configuration")
def configuration_fixture(open_page: OpenPage) -> AppTest:
    """The configuration page, run once."""
    return open_page("settings.py")


def stored(store: PooledStore) -> OrchestratorSettings:
    return read_settings(store.person())


def test_a_new_console_shows_its_defaults(configuration: AppTest) -> None:
    """Prices in the labels, the retirement dates, and an empty history."""
    assert not configuration.exception
    assert configuration.selectbox(key="settings_form_primary").value == MINI
    assert configuration.selectbox(key="settings_form_primary").options[0] == "GPT-4o mini · $0.0012 per workflow"
    assert any("Claude Sonnet 4.6 answers in its place" in info.value for info in configuration.info)
    assert any("No changes yet" in caption.value for caption in configuration.caption)


def test_a_primary_brings_its_fallback_and_is_reviewed_before_it_is_saved(
    configuration: AppTest, store: PooledStore
) -> None:
    """Choosing Claude as primary makes mini its fallback; nothing is written before Save."""
    configuration.selectbox(key="settings_form_primary").set_value(CLAUDE).run()
    review = next(text for text in said(configuration.markdown) if "This will change" in text)

    assert "Primary model: GPT-4o mini → Claude Sonnet 4" in review
    assert "Fallback model: Claude Sonnet 4 → GPT-4o mini" in review
    assert stored(store).version == 1
    press(configuration, "Save 2 changes")
    assert not configuration.exception
    assert stored(store) == OrchestratorSettings(CLAUDE, MINI, True, 2)
    assert "Version 2 applies from the next generation" in configuration.success[0].value


def test_fallback_off_disables_its_choice(configuration: AppTest, store: PooledStore) -> None:
    """And says what that means."""
    configuration.toggle(key="settings_form_fallback_enabled").set_value(False).run()

    assert configuration.selectbox(key="settings_form_fallback").disabled
    assert any("the generation fails" in caption.value for caption in configuration.caption)
    press(configuration, "Save 1 change")
    assert stored(store).fallback_enabled is False


def test_discard_takes_everything_back(configuration: AppTest) -> None:
    """The form shows the stored settings again."""
    configuration.toggle(key="settings_form_fallback_enabled").set_value(False).run()
    press(configuration, "Discard")

    assert configuration.toggle(key="settings_form_fallback_enabled").value is True
    assert not any(button.label.startswith("Save") for button in configuration.button)


def test_somebody_elses_save_is_a_conflict(configuration: AppTest, store: PooledStore) -> None:
    """Instead of overwriting, the page names them and offers to take theirs."""
    configuration.toggle(key="settings_form_fallback_enabled").set_value(False).run()
    save_settings(store.person(), {PRIMARY.name: CLAUDE})
    configuration.run()

    assert "you@this.machine has changed the settings" in said(configuration.warning)[0]
    press(configuration, "Take theirs")
    assert configuration.selectbox(key="settings_form_primary").value == CLAUDE
    assert stored(store) == OrchestratorSettings(CLAUDE, CLAUDE, True, 2)


def test_a_conflict_can_be_resolved_without_typing_again(configuration: AppTest, store: PooledStore) -> None:
    """My values are reviewed against theirs, and saved on top of them."""
    configuration.toggle(key="settings_form_fallback_enabled").set_value(False).run()
    save_settings(store.person(), {PRIMARY.name: CLAUDE})
    configuration.run()
    press(configuration, "Keep mine")
    review = next(text for text in said(configuration.markdown) if "This will change" in text)

    assert "Primary model: Claude Sonnet 4 → GPT-4o mini" in review
    press(configuration, "Save 2 changes")
    assert stored(store) == OrchestratorSettings(MINI, CLAUDE, False, 3)


def test_a_review_says_what_follows(sample: PooledStore, open_page: OpenPage) -> None:
    """Without a fallback, so many would fail, by what was measured; a reason is kept with the save and in its event."""
    clock.use(lambda: datetime(2026, 11, 20, 22, tzinfo=UTC))
    page = open_page("settings.py")
    page.toggle(key="settings_form_fallback_enabled").set_value(False).run()
    follows = next(text for text in said(page.markdown) if "Without a fallback" in text)

    assert "of generations would fail:" in follows
    assert follows.endswith("of 10,000 a month.")
    page.text_input(key="settings_form_reason").set_value("Too expensive this week").run()
    press(page, "Save 1 change")
    assert any("“Too expensive this week”" in text for text in said(page.markdown))


def test_the_reason_is_in_the_event(store: PooledStore, owner: psycopg.Connection) -> None:
    """Once, and not in the next save's."""
    save_settings(store.person(), {PRIMARY.name: CLAUDE}, reason=" Quality dropped ")
    save_settings(store.person(), {PRIMARY.name: MINI})
    found = owner.execute(
        "select details -> 'reason' from public.audit_logs where action = 'SYSTEM_CONFIG_UPDATED' "
        "order by details -> 'version'"
    )

    assert found.fetchall() == [("Quality dropped",), (None,)]


def test_a_save_that_comes_second_writes_nothing(configuration: AppTest, store: PooledStore) -> None:
    """Even if the page has not noticed yet: the database reports it."""
    configuration.toggle(key="settings_form_fallback_enabled").set_value(False).run()
    save_settings(store.person(), {PRIMARY.name: CLAUDE})
    press(configuration, "Save 1 change")

    assert "load them again" in configuration.error[0].value
    assert stored(store).fallback_enabled is True


def test_an_unedited_form_follows_others(configuration: AppTest, store: PooledStore) -> None:
    """Without edits there is nothing to lose."""
    save_settings(store.person(), {PRIMARY.name: CLAUDE})
    configuration.run()

    assert configuration.selectbox(key="settings_form_primary").value == CLAUDE
    assert not configuration.warning


def test_any_earlier_version_can_be_returned_to(configuration: AppTest, store: PooledStore) -> None:
    """The values of that version are reviewed and become a new one."""
    save_settings(store.person(), {PRIMARY.name: CLAUDE, FALLBACK.name: MINI})
    save_settings(store.person(), {ENABLE_FALLBACK.name: False})
    configuration.run()
    press(configuration, "Restore version 2")
    assert stored(store).version == 3
    press(configuration, "Save 1 change")

    assert stored(store) == OrchestratorSettings(CLAUDE, MINI, True, 4)
    press(configuration, "Restore the settings before version 2")
    press(configuration, "Save 2 changes")
    assert stored(store) == OrchestratorSettings(MINI, CLAUDE, True, 5)
    assert any("Changed by you@this.machine just now" in text for text in said(configuration.caption))


def test_roll_back_from_any_page(page: AppTest, store: PooledStore) -> None:
    """Claude becomes the primary model; the rest stays."""
    page.run()
    press(page, "Roll back to Claude Sonnet 4")

    assert not page.exception
    assert stored(store) == OrchestratorSettings(CLAUDE, CLAUDE, True, 2)


def test_the_overview_says_what_is_unusual_about_the_keys(
    open_page: OpenPage, store: PooledStore, owner: psycopg.Connection
) -> None:
    """The effect of a rollback is noted beside the judgement, which does not see it."""
    owner.execute(
        "insert into public.audit_logs (timestamp, action, details) "
        "values (%s, 'WORKFLOW_GENERATED', '{\"simulated\": true}')",
        [NOW],
    )
    save_settings(store.person(), {PRIMARY.name: CLAUDE})
    page = open_page("overview.py")
    notes = [text for text in said(page.caption) if "is the primary model" in text or "There is no fallback" in text]

    assert not page.exception
    assert notes == [
        ":material/tune: There is no fallback: if the primary model fails, the generation fails.",
        ":material/tune: Claude Sonnet 4 (answered by Claude Sonnet 4.6) is the primary model: "
        "each workflow costs about $0.0285.",
    ]


def test_figures_on_target_are_not_all_is_well_without_a_fallback(
    open_page: OpenPage, store: PooledStore, owner: psycopg.Connection
) -> None:
    """The verdict is amber, names what is missing and leads to the settings."""
    owner.execute(
        """
        insert into public.audit_logs (timestamp, action, details)
        select %s::timestamptz - number * interval '1 minute', 'WORKFLOW_GENERATED', jsonb_build_object(
            'simulated', true, 'generation_id', number::text, 'generator_used', 'gpt-4o-mini', 'attempts', '[]'::jsonb
        )
        from generate_series(1, 1000) as number
        """,
        [NOW],
    )
    save_settings(store.person(), {ENABLE_FALLBACK.name: False})
    clock.use(lambda: NOW)
    page = open_page("overview.py")

    assert list(page.success) == []
    assert said(page.warning)[0].startswith("**On target, but check the settings.** There is no fallback")


@pytest.mark.parametrize("value", ["7", "null", '["gpt-4o-mini"]', '{"model": "gpt-4o-mini"}'])
def test_a_broken_key_can_be_mended_here(
    page: AppTest, owner: psycopg.Connection, store: PooledStore, value: str
) -> None:
    """An error, and a button that restores the defaults; the history shows the broken value."""
    owner.execute("update public.system_settings_config set value = %s where key = %s", [value, PRIMARY.name])
    page.run()
    page.switch_page("settings.py").run()

    assert not page.exception
    assert PRIMARY.name in said(page.error)[0]
    press(page, "Restore the defaults")
    assert stored(store).primary == MINI
    assert not page.exception
    page.switch_page("cost.py").run()
    assert not page.exception


def test_a_primary_of_old_can_be_chosen_again(page: AppTest, owner: psycopg.Connection) -> None:
    """It suggests no fallback, since its vendor is unknown."""
    owner.execute("update public.system_settings_config set value = '\"gpt-3\"' where key = %s", [PRIMARY.name])
    page.run()
    page.switch_page("settings.py").run()
    page.selectbox(key="settings_form_primary").set_value(CLAUDE).run()
    page.selectbox(key="settings_form_primary").set_value("gpt-3").run()

    assert not page.exception
    assert page.selectbox(key="settings_form_primary").value == "gpt-3"


def test_two_names_of_one_model_are_asked_once(configuration: AppTest) -> None:
    """Claude Sonnet 4.6 answers for Claude Sonnet 4, so neither is a fallback for the other."""
    configuration.selectbox(key="settings_form_primary").set_value(CLAUDE).run()
    configuration.selectbox(key="settings_form_fallback").set_value("claude-sonnet-4-6").run()

    assert any("The same model answers for both" in text for text in said(configuration.caption))


def change(**keys: object) -> Change:
    """A save that changed these keys from these values."""
    changed = {name: {"before": before, "after": "x"} for name, before in keys.items()}
    return Change("", clock.now(), None, changed, None, None, sample=False)


def test_an_undo_reads_values_of_any_age() -> None:
    """A missing key gets its default, values of an earlier system their meaning, other systems' keys are left alone."""
    before = change(**{FALLBACK.name: None, ENABLE_FALLBACK.name: '"false"', "unknown": 1})

    assert values_before(before) == {FALLBACK.name: FALLBACK.default, ENABLE_FALLBACK.name: False}
    with pytest.raises(InvalidSettings, match="gpt-3"):
        values_before(change(**{PRIMARY.name: "gpt-3"}))


def test_a_model_without_its_key_is_named(make_application: MakeApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is chosen, in the system flow, and before rolling back to it."""
    application = make_application(environment={"OPENAI_API_KEY": "sk-test"})
    monkeypatch.setattr(console, "application", lambda: application)
    page = shell().run()
    sentence = "ANTHROPIC_API_KEY is not set, so this console cannot ask Claude Sonnet 4."
    assert said(page.warning) == [sentence]
    page.switch_page("settings.py").run()
    assert said(page.warning) == [sentence, sentence]
    page.switch_page("flow.py").run()

    assert not page.exception
    assert any(sentence in text for text in said(page.markdown))
