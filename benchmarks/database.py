"""A database just for the benchmarks, with a log of any size."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from store import Database
from store.embedded.cluster import AUTHENTICATOR, OWNER, Cluster
from store.embedded.connections import Connections
from store.embedded.database import EmbeddedDatabase, bring_up
from store.identity import LOCAL_PERSON

DAYS = 90
_BATCH = 1_000

_COLUMNS = "id, timestamp, actor_id, action, entity_type, entity_id, severity, compliance_flags, details"

# Two thousand kinds of generations, so that neither side benefits from having few distinct values: realistic latencies,
# 4 % fallbacks for four reasons, two hundred agents.
_KINDS = """
create temporary table kinds as
with drawn as (
    select
        n,
        n % 25 = 7 as fell_back,
        array['validation_failed', 'timeout', 'rate_limit', 'api_error'] as reasons,
        1000 + n * 7919 % 3001 as input,
        600 + n * 104729 % 1801 as output,
        (exp(8.4 + 0.45 * sqrt(-2 * ln((n + 1) / 2001.0)) * cos(2 * pi() * (n * 7907 % 2000) / 2000.0)))::integer as ms
    from generate_series(0, 1999) as n
),

priced as (
    select *,
        (input * 0.15 + output * 0.60) / 1000000 as cheap_usd,
        (input * 3.0 + output * 15.0) / 1000000 as claude_usd,
        jsonb_build_object('input', input, 'output', output, 'total', input + output) as tokens
    from drawn
)

select n, fell_back, 'agent-' || n % 200 as agent_id, jsonb_build_object(
    'origin', 'api', 'overridden', false, 'config_version', 1, 'prompt_version', 1, 'simulated', false,
    'generator_used', case when fell_back then 'claude-sonnet-4' else 'gpt-4o-mini' end,
    'steps_generated', 2 + n % 12, 'validation_passed', true, 'services', 2,
    'tokens_used', tokens, 'generation_time_ms', case when fell_back then ms + 9000 else ms end,
    'cost_usd', case when fell_back then claude_usd + cheap_usd else cheap_usd end,
    'wasted_cost_usd', case when fell_back then cheap_usd else 0 end,
    'baseline_cost_usd', claude_usd,
    'savings_usd', claude_usd - case when fell_back then claude_usd + cheap_usd else cheap_usd end,
    'findings', '[]'::jsonb, 'unpriced_attempts', 0,
    'attempts', case when fell_back then jsonb_build_array(
        jsonb_build_object('model', 'gpt-4o-mini', 'api_model', 'gpt-4o-mini', 'outcome', reasons[1 + n / 25 % 4],
            'detail', '', 'tokens', tokens, 'tokens_estimated', false, 'cost_usd', cheap_usd, 'duration_ms', ms),
        jsonb_build_object('model', 'claude-sonnet-4', 'api_model', 'claude-sonnet-4-6', 'outcome', 'succeeded',
            'detail', '', 'tokens', tokens, 'tokens_estimated', false, 'cost_usd', claude_usd, 'duration_ms', 9000)
    ) else jsonb_build_array(
        jsonb_build_object('model', 'gpt-4o-mini', 'api_model', 'gpt-4o-mini', 'outcome', 'succeeded',
            'detail', '', 'tokens', tokens, 'tokens_estimated', false, 'cost_usd', cheap_usd, 'duration_ms', ms)
    ) end
) || case when fell_back then jsonb_build_object('fallback_reason', reasons[1 + n / 25 % 4]) else '{}' end as details
from priced
"""

_EVENTS = f"""
select
    gen_random_uuid(), now() - interval '{DAYS} days' * (1 - i / %(rows)s::float8), 'platform@example.com',
    'WORKFLOW_GENERATED', 'agent', agent_id, 'info', array['SOC2'],
    details || jsonb_build_object('generation_id', gen_random_uuid())
from generate_series(%(first)s::integer, %(last)s::integer) as i
join kinds on n = i %% 2000
"""  # noqa: S608 - of constants only


@dataclass(frozen=True, slots=True)
class Log:
    """An audit log.

    Attributes:
        owner: a connection as its owner.
        reader: the database as the console sees it.
    """

    owner: psycopg.Connection
    reader: Database

    def append(self, table: str, rows: int, first: int, last: int) -> None:
        """Add the generations `first` to `last` of the `rows` that fill the days, in one statement."""
        statement = f"insert into {table} ({_COLUMNS}) {_EVENTS}"
        self.owner.execute(statement.encode(), {"rows": rows, "first": first, "last": last})

    def fill(self, rows: int) -> None:
        """Add this many generations, spread evenly over the days until now."""
        for first in range(1, rows + 1, _BATCH):
            self.append("public.audit_logs", rows, first, min(first + _BATCH - 1, rows))
        self.owner.execute("vacuum analyze")


@contextlib.contextmanager
def empty_log() -> Iterator[Log]:
    """A migrated database on its own server, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="console-benchmark-"))
    folder.chmod(0o755)  # Postgres runs as another user where root runs this
    server = Cluster(folder / "data")
    server.attach()
    try:
        bring_up(server)
        with (
            psycopg.connect(server.dsn(OWNER), autocommit=True) as owner,
            Connections(server.dsn(AUTHENTICATOR)) as pool,
        ):
            owner.execute(_KINDS)
            owner.execute("create index on kinds (n)")
            yield Log(owner, EmbeddedDatabase(pool, LOCAL_PERSON))
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)
