"""A model that writes nothing but blanks is cut off before it costs more."""

from __future__ import annotations

import pytest

from orchestrator.workflow.blank_run import MAX_BLANKS, BlankRun
from orchestrator.workflow.reply import Reply
from tests.providers.behaviours import flood_of_text
from tests.providers.conftest import Bench, Side, both_sides


@both_sides
@pytest.mark.parametrize("blanks", ["\n", " \t" * 50])
def test_endless_blanks_are_ended(bench: Bench, side: Side, blanks: str) -> None:
    """The connection is closed, the fallback asked, and what was written by then is estimated."""
    bench.server.script(side.first, flood_of_text(blanks))
    result = bench.succeed(side)
    failed = result.attempts[0]

    assert (failed.outcome, failed.detail) == ("validation_failed", "endless_blanks")
    assert failed.tokens_estimated
    assert failed.tokens.output < 2 * MAX_BLANKS
    assert bench.calls() == [side.first, side.second]
    assert bench.server.wait_for_ends(2)


@pytest.mark.parametrize("size", [1, 3, 5000])
@pytest.mark.parametrize(
    ("text", "endless"),
    [
        (" " * MAX_BLANKS, False),
        (" " * (MAX_BLANKS + 1), True),
        ((" " * MAX_BLANKS + "x") * 3, False),
        ("\\n" * (MAX_BLANKS // 2 + 1), True),
        ("\\\\" * MAX_BLANKS, False),
        ("n" * 2 * MAX_BLANKS, False),
    ],
)
def test_blanks_are_counted_over_pieces(text: str, size: int, *, endless: bool) -> None:
    """However the text is split."""
    run = BlankRun()
    for at in range(0, len(text), size):
        run.feed(text[at : at + size])

    assert run.endless is endless


def test_a_deep_layout_is_no_flood() -> None:
    """An indented reply may need this many blanks."""
    reply = Reply([])
    reply.take('{"pilot_steps": [\n' + " " * 900 + '{"id": "a", "operation": "b", "step_type": "transform"}]}')

    assert reply.breach is None
    assert reply.close().accepted
