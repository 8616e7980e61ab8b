"""The same queries in DuckDB, over a table of typed columns that holds nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from benchmarks.database import Log

_EXPORT = """
copy (
    select
        timestamp,
        details ->> 'generator_used',
        details ->> 'fallback_reason',
        details ->> 'generation_time_ms',
        details ->> 'cost_usd',
        details ->> 'wasted_cost_usd',
        details ->> 'baseline_cost_usd',
        details ->> 'steps_generated'
    from public.audit_logs
    where action = 'WORKFLOW_GENERATED'
) to stdout (format csv)
"""

_LOAD = """
create table generations as
select * from read_csv(?, header = false, columns = {
    'ended': 'timestamptz', 'generator': 'varchar', 'reason': 'varchar', 'latency_ms': 'integer',
    'cost_usd': 'decimal(18, 9)', 'wasted_usd': 'decimal(18, 9)', 'baseline_usd': 'decimal(18, 9)', 'steps': 'smallint'
})
"""

# From the beginning of the previous period to the end of this one, since the console's pages compare the two.
_SPAN = "from generations where ended >= ? and ended < ?"
_DAY = "date_trunc('day', ended) as day"

PAGES = {
    "cost": f"""
        select {_DAY}, generator, count(*), sum(cost_usd), sum(wasted_usd), sum(baseline_usd), count(reason)
        {_SPAN} group by day, generator order by day, generator
    """,
    "fallbacks": f"""
        select {_DAY}, generator, reason, count(*), sum(cost_usd), sum(wasted_usd), count(*) filter (where steps <= 6)
        {_SPAN} group by day, generator, reason order by day, generator, reason
    """,
    "latency": f"""
        select {_DAY}, generator, count(*), avg(latency_ms), quantile_cont(latency_ms, [0.5, 0.95, 0.99])
        {_SPAN} group by day, generator order by day, generator
    """,
}
"""The minimum that a page needs, by the page's address."""


class Duck:
    """A DuckDB in memory with a copy of the log."""

    def __init__(self, log: Log, folder: Path) -> None:
        file = folder / "generations.csv"
        with file.open("wb") as target, log.owner.cursor() as cursor, cursor.copy(_EXPORT) as rows:
            for block in rows:
                target.write(block)
        self._connection = duckdb.connect()
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute(_LOAD, [str(file)])
        file.unlink()

    def ask(self, question: str, begins: object, ends: object) -> list[tuple[Any, ...]]:
        """The answer for a span of time."""
        answer: list[tuple[Any, ...]] = self._connection.execute(question, [begins, ends]).fetchall()
        return answer
