"""What the counters cost: appending to the audit log compared with appending to the same table without triggers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

from benchmarks.database import Log, empty_log
from benchmarks.measure import Comparison, compare

_BATCH = 1_000


def measure() -> Iterator[Comparison]:
    """In batches of a thousand, and one by one."""
    with empty_log() as log:
        log.owner.execute("create table public.bare (like public.audit_logs including all)")
        for what, batch, rounds in ((f"Append {_BATCH:,} events", _BATCH, 101), ("Append one event", 1, 301)):
            append = partial(_append, log, batch, count(1, batch))
            yield compare(
                what, partial(append, "public.audit_logs"), "the bare table", partial(append, "public.bare"), rounds
            )


def _append(log: Log, batch: int, places: Iterator[int], table: str) -> None:
    first = next(places)
    log.append(table, 1_000_000, first, first + batch - 1)
