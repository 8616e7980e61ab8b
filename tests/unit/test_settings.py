"""How the system keys are read."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import InvalidRequest, InvalidSettings
from orchestrator.generation.lineup import Overrides, line_up
from orchestrator.settings import read_settings, setting_from_text
from orchestrator.system_keys import OrchestratorSettings
from store import Argument, Json
from tests.conftest import NOW


class OneAnswer:
    """A database that gives every call the same answer."""

    def __init__(self, answer: Json) -> None:
        self.answer = answer

    def call(self, function: str, **arguments: Argument) -> Json:
        return self.answer


def read(**values: Any) -> OrchestratorSettings:
    entries: dict[str, Any] = {f"orchestrator_{key}": {"value": value} for key, value in values.items()}
    return read_settings(OneAnswer({"version": 7, "settings": entries}))


def test_missing_keys_have_their_defaults() -> None:
    """An empty table means GPT-4o mini first, with Claude as the fallback."""
    assert read() == OrchestratorSettings("gpt-4o-mini", "claude-sonnet-4", True, 7)


def test_values_quoted_twice_are_read() -> None:
    """An earlier system's instructions called for JSON inside JSON."""
    assert read(primary_model='"claude-sonnet-4"', enable_fallback='"false"') == OrchestratorSettings(
        "claude-sonnet-4", "claude-sonnet-4", False, 7
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("primary_model", 7),
        ("primary_model", None),
        ("primary_model", {}),
        ("primary_model", '"gpt-4o-mini'),
        ("primary_model", "  "),
        ("fallback_model", []),
        ("enable_fallback", "perhaps"),
        ("enable_fallback", 1),
        ("enable_fallback", None),
    ],
)
def test_a_broken_value_gets_a_sentence_with_the_way_out(key: str, value: object) -> None:
    """The message names the key and the command that fixes it."""
    with pytest.raises(InvalidSettings, match=rf"orchestrator_{key}.*settings --set orchestrator_{key}="):
        read(**{key: value})


@pytest.mark.parametrize("answer", [None, [], {"version": "x"}, {"settings": {}}])
def test_a_foreign_answer_is_no_crash(answer: Json) -> None:
    """A database with another version is reported as such."""
    with pytest.raises(InvalidSettings, match="migrate"):
        read_settings(OneAnswer(answer))


def test_settings_are_read_from_text() -> None:
    """Booleans become booleans, everything else stays text; quotes are removed."""
    assert setting_from_text("orchestrator_enable_fallback=FALSE") == ("orchestrator_enable_fallback", False)
    assert setting_from_text('orchestrator_primary_model="a=b"') == ("orchestrator_primary_model", "a=b")
    with pytest.raises(InvalidRequest):
        setting_from_text("orchestrator_primary_model")


class Silent:
    """A provider that is never asked."""

    def warm(self) -> None: ...

    def stream(self, request: object) -> Any: ...

    async def aclose(self) -> None: ...


BOTH: dict[Any, Any] = {"openai": Silent(), "anthropic": Silent()}
CLAUDE, MINI = "claude-sonnet-4", "gpt-4o-mini"


@pytest.mark.parametrize(
    ("settings", "providers", "asked"),
    [
        ((MINI, CLAUDE, True), BOTH, [MINI, CLAUDE]),
        ((CLAUDE, MINI, True), BOTH, [CLAUDE, MINI]),
        ((MINI, CLAUDE, False), BOTH, [MINI]),
        ((MINI, MINI, True), BOTH, [MINI]),
        ((CLAUDE, "claude-sonnet-4-6", True), BOTH, [CLAUDE]),
        ((MINI, CLAUDE, True), {"openai": BOTH["openai"]}, [MINI]),
        ((MINI, "gpt-99", False), BOTH, [MINI]),
    ],
)
def test_who_is_asked(settings: tuple[str, str, bool], providers: dict[Any, Any], asked: list[str]) -> None:
    """The primary is asked first; a fallback that is off, the same model or not configured is not asked."""
    lineup = line_up(OrchestratorSettings(*settings, version=1), providers, NOW.date())

    assert [contender.model.name for contender in lineup] == asked


def test_overrides_leave_the_rest_as_configured() -> None:
    """None means as configured, False means off."""
    settings = OrchestratorSettings(MINI, CLAUDE, True, 3)

    assert Overrides(fallback_enabled=False).applied(settings) == OrchestratorSettings(MINI, CLAUDE, False, 3)
    assert Overrides(primary=CLAUDE).applied(settings) == OrchestratorSettings(CLAUDE, CLAUDE, True, 3)
