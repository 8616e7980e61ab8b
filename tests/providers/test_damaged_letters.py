"""Characters that arrive damaged are joined, repaired or reported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.raw_streams import DONE, FINISH, PARTS, USAGE, Events, Heard, choice, chunk, hear


def written(*parts: str) -> Events:
    """The usual reply with this text."""
    return [*(chunk(choice({"content": part})) for part in parts), FINISH, USAGE, DONE]


def operations(heard: Heard) -> Iterator[str]:
    """The operations of the steps."""
    return (step["operation"] for step in heard.verdict.steps)


HALVES = '{"pilot_steps": [{"id": "a", "operation": "Celebrate \ud83c', '\udf89", "step_type": "transform"}]}'


@pytest.mark.parametrize("escaped", [False, True])
def test_a_letter_cut_in_two_is_joined(*, escaped: bool) -> None:
    """Its halves come in two deltas, literally or as escapes."""
    parts = [part.replace("\ud83c", "\\ud83c").replace("\udf89", "\\udf89") if escaped else part for part in HALVES]
    heard = hear("openai", b"".join(written(*parts)))

    assert list(operations(heard)) == ["Celebrate 🎉"]
    assert not heard.verdict.findings


def test_letters_of_json_mode_are_repaired() -> None:
    """A NUL and two digits are the Latin-1 character that these digits name."""
    text = r'{"pilot_steps": [{"id": "a", "operation": "R\u0000e9sum\u0000E9 f\u0000fcr", "step_type": "transform"}]}'
    heard = hear("openai", b"".join(written(text)))

    assert list(operations(heard)) == ["Résumé für"]
    assert not heard.verdict.findings


@pytest.mark.parametrize("damage", [r"\u0000", r"\u000012", r"\ud83c", r"\udf89 x", "\ufffd"])
def test_a_letter_that_is_lost_is_told(damage: str) -> None:
    """What cannot be repaired with certainty is replaced, and comes with the workflow as a warning."""
    text = '{"pilot_steps": [{"id": "a", "operation": "Zero ' + damage + '", "step_type": "transform"}]}'
    heard = hear("openai", b"".join(written(text)))

    assert heard.verdict.accepted
    assert [(finding.code, finding.path) for finding in heard.verdict.findings] == [
        ("text_damaged", "$.pilot_steps[0].operation")
    ]


def test_broken_bytes_are_told() -> None:
    """A byte that is not UTF-8 costs one character, not the reply."""
    events = b"".join(written(*PARTS)).replace(b"Do part 1", b"Do p\xffrt 1")
    heard = hear("openai", events)

    assert heard.verdict.accepted
    assert [finding.code for finding in heard.verdict.findings] == ["text_damaged"]
