"""What the overview says first."""

from __future__ import annotations

import psycopg
import pytest

from queries.filters import Filters
from queries.overview import read_recent
from queries.period import period
from tests.conftest import PooledStore
from tests.queries.conftest import FIRST, LAST, append
from tests.queries.stories import generation


@pytest.mark.parametrize(
    ("direct", "fallen_back", "failed", "judgement"),
    [
        (0, 0, 0, "nothing"),
        (19, 0, 0, "few"),
        (372, 0, 4, "perhaps_failing"),
        (372, 0, 40, "failing"),
        (22, 3, 0, "more_often"),
        (220, 30, 0, "often"),
        (300, 18, 0, "more_often"),
        (400, 12, 0, "well"),
    ],
)
def test_the_judgement(
    store: PooledStore, owner: psycopg.Connection, direct: int, fallen_back: int, failed: int, judgement: str
) -> None:
    """An alarm only if the figures are certain; a hint if they may be chance."""
    append(
        owner,
        [
            *(generation() for _ in range(direct)),
            *(generation(reason="timeout") for _ in range(fallen_back)),
            *(generation() | {"action": "WORKFLOW_GENERATION_FAILED"} for _ in range(failed)),
        ],
    )

    assert read_recent(store.person(), period(FIRST, LAST, "UTC"), Filters()).judgement == judgement
