"""Counters agree with the log, whoever writes and whenever."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from orchestrator.models.catalogue import BASELINE
from store.embedded import cluster
from store.embedded.cluster import Cluster
from tests.conftest import PooledStore
from tests.queries.conftest import BEGIN, append, check, differences
from tests.queries.stories import CLAUDE, MINI, elsewhere, generated, report


def executed(at: datetime, *, good: bool = True, agent: str = "a-1") -> dict[str, Any]:
    """A run of an agent."""
    return elsewhere(f"AGENT_EXECUTION_{'COMPLETED' if good else 'FAILED'}", at, {}, agent)


def rated(at: datetime, generation_id: str, score: object) -> dict[str, Any]:
    """A user's rating."""
    return elsewhere("WORKFLOW_RATED", at, {"generation_id": generation_id, "score": score})


def execution_success(store: PooledStore) -> dict[str, float | None]:
    """The execution success of each generator."""
    return {name: figures["execution_success_pct"] for name, figures in report(store)["by_generator"].items()}


def test_a_run_is_judged_by_the_latest_workflow_before_it(store: PooledStore, owner: psycopg.Connection) -> None:
    """This also holds if the workflow's event arrives after the run's."""
    hour = timedelta(hours=1)
    append(owner, [executed(BEGIN + 5 * hour), executed(BEGIN + hour, good=False)])
    assert execution_success(store) == {"unknown": 50.0}
    append(owner, [generated(BEGIN, MINI)])
    assert execution_success(store) == {MINI: 50.0}
    append(owner, [generated(BEGIN + 2 * hour, CLAUDE)])
    assert execution_success(store) == {MINI: 0.0, CLAUDE: 100.0}
    append(owner, [generated(BEGIN + 5 * hour, MINI)])
    assert execution_success(store) == {MINI: 0.0, CLAUDE: 100.0}
    assert differences(owner) == {}


@pytest.mark.parametrize(
    "generation_id", [uuid4().hex, "".join(uuid4().hex for _ in range(300))], ids=["short", "long"]
)
def test_a_rating_finds_its_workflow_whichever_came_first(
    store: PooledStore, owner: psycopg.Connection, generation_id: str
) -> None:
    """A score that is neither 0 nor 1 is not a rating."""
    append(owner, [rated(BEGIN, generation_id, 1), rated(BEGIN, generation_id, 0), rated(BEGIN, generation_id, 0.5)])
    append(owner, [generated(BEGIN, CLAUDE, generation_id=generation_id, attempts=[])])
    figures = report(store)

    assert figures["by_generator"][CLAUDE]["satisfaction_pct"] == 50.0
    assert figures["left_out"]["unreadable"] == 1
    check(store, owner)


def test_writers_at_once(store: PooledStore, owner: psycopg.Connection, server: Cluster, database_name: str) -> None:
    """Eight connections append generations and runs of the same agents, in batches and one by one: nothing deadlocks,
    nothing is missed, and every run finds its workflow."""
    numbers = count()

    def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - for variety, not for secrets
        with psycopg.connect(server.dsn(cluster.OWNER, database_name), autocommit=True) as connection:
            for size in [300, *(chance.choice([1, 1, 5, 40]) for _ in range(16))]:
                batch = []
                for _ in range(size):
                    at = BEGIN + timedelta(minutes=next(numbers) % 600)
                    agent = f"a-{chance.randrange(4)}"
                    batch.append(
                        chance.choice([generated(at, chance.choice([MINI, CLAUDE]), agent), executed(at, agent=agent)])
                    )
                append(connection, batch)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    check(store, owner, ["UTC"])
    assert differences(owner) == {}


def test_a_generation_looks_at_what_it_explains_alone(store: PooledStore, owner: psycopg.Connection) -> None:
    """However late it arrives, it reads only the runs and ratings it may explain, not all runs of its agent."""
    hours = [BEGIN + timedelta(hours=hour) for hour in range(24)]
    append(owner, [generated(hour) for hour in hours])
    append(owner, [executed(hour + timedelta(seconds=30 * place)) for hour in hours for place in range(1, 101)])
    append(owner, [rated(hour, f"{hour}-{place}", 1) for hour in hours for place in range(100)])

    explained = _rows_read(owner, generated(hours[12] + timedelta(minutes=25), CLAUDE))
    unrelated = _rows_read(owner, generated(BEGIN, agent="a-2"))
    liked = _rows_read(owner, generated(BEGIN, agent="a-3", generation_id=f"{BEGIN}-7"))

    assert 50 < explained < 50 * 5
    assert unrelated < 10
    assert 1 <= liked < 10
    check(store, owner, ["UTC"])


def _rows_read(owner: psycopg.Connection, event: dict[str, Any]) -> int:
    """The rows of the log that are read to append an event."""
    read = (
        "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'public.audit_logs'::regclass"
    )
    with owner.transaction():
        before = owner.execute(read).fetchone()
        append(owner, [event])
        after = owner.execute(read).fetchone()
    assert before
    assert after
    return int(after[0] - before[0])


def test_a_rollup_that_was_tampered_with_is_found_and_mended(store: PooledStore, owner: psycopg.Connection) -> None:
    """The rebuild fixes it and reports where it was."""
    append(owner, [generated(BEGIN)])
    owner.execute("update public.generation_rollups set cost_usd = 7 where grain = 15")
    assert differences(owner) == {"generation_rollups": 2}

    assert report(store)["cost_usd"] == Decimal("0.0012")
    assert differences(owner) == {}


def test_the_baseline_has_one_name(owner: psycopg.Connection) -> None:
    """The same in Python and in SQL."""
    assert owner.execute("select private.baseline_model()").fetchone() == (BASELINE.name,)
