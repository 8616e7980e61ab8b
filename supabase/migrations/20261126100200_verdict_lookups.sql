-- Finding the runs and ratings that a generation explains, in a time that does not grow with the log.

-- With the id in it, the latest generation of an agent needs no sorting of all of them.
drop index public.audit_logs_generations_by_agent;
create index audit_logs_generations_by_agent
on public.audit_logs (entity_id, timestamp, id) where action = 'WORKFLOW_GENERATED';

-- Where a planner thinks that rows of an agent are plenty, it reads the log by time until it meets one; for an agent that has
-- none, that is the whole log. So the next two compare agent and moment as one, which only the agents' indexes can answer.

-- When the agent of a generation got its next one, both or neither of sample data; no row where it got none.
create function private.next_generation(p_agent_id text, p_at timestamptz, p_details jsonb) returns setof timestamptz
language sql stable
as $$
    select generation.timestamp
    from public.audit_logs as generation
    where generation.action = 'WORKFLOW_GENERATED'
        and (generation.entity_id, generation.timestamp) > (p_agent_id, p_at)
        and generation.entity_id <= p_agent_id
        and (generation.details ->> 'sample' is not distinct from 'true') = (p_details ->> 'sample' is not distinct from 'true')
    order by generation.entity_id, generation.timestamp
    limit 1
$$;

-- The first run of an agent after a moment. One row or none.
create function private.next_execution(p_agent_id text, p_at timestamptz) returns setof uuid
language sql stable
as $$
    select execution.id
    from public.audit_logs as execution
    where execution.action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
        and (execution.entity_id, execution.timestamp) > (p_agent_id, p_at)
        and execution.entity_id <= p_agent_id
    order by execution.entity_id, execution.timestamp
    limit 1
$$;

-- An agent's runs after a moment until another, this one included. Fenced, for one agent's few rather than all runs compared
-- with all agents; so is the next.
create function private.executions_between(p_agent_id text, p_after timestamptz, p_until timestamptz)
returns setof public.audit_logs
language sql stable
as $$
    select execution.*
    from public.audit_logs as execution
    where execution.action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
        and execution.entity_id = p_agent_id
        and execution.timestamp > p_after
        and execution.timestamp <= p_until
    offset 0
$$;

-- The ratings of a generation.
create function private.ratings_of(p_generation_id text) returns setof public.audit_logs
language sql stable
as $$
    select rating.*
    from public.audit_logs as rating
    where rating.action = 'WORKFLOW_RATED'
        and rating.details ->> 'generation_id' = p_generation_id
    offset 0
$$;

revoke all on function
    private.executions_between(text, timestamptz, timestamptz),
    private.ratings_of(text),
    private.next_generation(text, timestamptz, jsonb),
    private.next_execution(text, timestamptz)
from public, anon, authenticated;


-- What changes for verdicts that are counted already once these generations are there: each that one of them explains
-- goes from the generation that explained it before, which no run after the agent's next generation does. p_appended: events
-- that are not counted yet.
create or replace function private.moved_verdicts(p_generations uuid[], p_appended uuid[]) returns private.verdict_change[]
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
-- A plan of the log's first day is kept while it grows: one that reads all of it must not be among those to choose from.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return (
        -- Materialized, so that the next one is looked for once and not for each of the runs.
        with appended_generations as materialized (
            select generation.*, coalesce(next.at, 'infinity') as next_at
            from unnest(p_generations) as given (id)
            join public.audit_logs as generation using (id)
            left join lateral private.next_generation(generation.entity_id, generation.timestamp, generation.details) as next (at)
                on true
        ),

        candidates as (
            select execution.*
            from appended_generations as generation
            cross join lateral private.executions_between(
                generation.entity_id, generation.timestamp, generation.next_at
            ) as execution
            union
            select rating.*
            from appended_generations as generation
            cross join lateral private.ratings_of(generation.details ->> 'generation_id') as rating
        ),

        verdicts as (
            select fact.*
            from candidates as event
            cross join lateral private.verdict_facts(event.action, event.timestamp, event.entity_id, event.details) as fact
            where event.id <> all (p_appended)
        ),

        explained as (
            select
                verdicts.*,
                coalesce(executed.details, rated.details) as now,
                coalesce(executed_before.details, rated_before.details) as before
            from verdicts
            left join lateral private.executed_generation(agent_id, moment, source = 'sample', '{}') as executed on true
            left join lateral private.rated_generation(generation_id, source = 'sample', '{}') as rated on true
            left join lateral private.executed_generation(agent_id, moment, source = 'sample', p_generations)
                as executed_before on true
            left join lateral private.rated_generation(generation_id, source = 'sample', p_generations)
                as rated_before on true
            where coalesce(executed.id, rated.id) = any (p_generations)
        )

        select array_agg(row(
            key.quarter, key.source, key.overridden, key.origin, key.kind, key.generator,
            sign * (good is not null)::integer, sign * coalesce(good, false)::integer, sign * (good is null)::integer
        )::private.verdict_change)
        from explained
        cross join lateral (values (1, now), (-1, before)) as way (sign, generation)
        cross join lateral private.verdict_key(kind, moment, source, way.generation) as key
    );
end
$$;
