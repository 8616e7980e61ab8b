-- Verdicts on workflows: agent runs and user ratings, each counted for the generator of the workflow that it judges.
-- Verdicts and generations arrive late and in any order: a generation that arrives after a verdict on it moves the
-- count.

-- Both serve the search for the workflow that a run executed: the agent's latest before the run.
create index audit_logs_generations_by_agent
on public.audit_logs (entity_id, timestamp, id) where action = 'WORKFLOW_GENERATED';
create index audit_logs_executions_by_agent
on public.audit_logs (entity_id, timestamp) where action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED');
-- Serves the search for the workflow that was rated.
create index audit_logs_generation_by_id
on public.audit_logs using hash ((details ->> 'generation_id')) where action = 'WORKFLOW_GENERATED';
-- A B-tree, since it looks up a thousand generations in one scan; over hashes, since an id could be too long for it.
create index audit_logs_ratings_by_generation on public.audit_logs (
    (case when action = 'WORKFLOW_RATED' then hashtextextended(details ->> 'generation_id', 0) end)
) where case when action = 'WORKFLOW_RATED' then hashtextextended(details ->> 'generation_id', 0) end is not null;

create table public.verdict_rollups (
    grain smallint not null check (grain in (15, 60, 360)),
    slot timestamptz,
    source text not null,
    overridden boolean not null,
    origin text,
    kind text not null,
    generator text,
    total bigint not null,
    good bigint not null,
    unreadable bigint not null,
    unique nulls not distinct (grain, slot, source, overridden, origin, kind, generator)
);

comment on table public.verdict_rollups is 'One row per slot, kind of verdict and judged generator.';
comment on column public.verdict_rollups.slot is
    'Slot of the run or rating; source, overridden and origin are the generation''s.';
comment on column public.verdict_rollups.kind is 'execution or rating.';
comment on column public.verdict_rollups.generator is 'Null while the log does not hold the judged generation.';
comment on column public.verdict_rollups.total is 'Verdicts that can be read, including the good ones.';

alter table public.verdict_rollups enable row level security;
revoke all on public.verdict_rollups from public, anon, authenticated;
alter table public.verdict_rollups set (fillfactor = 70);

create type private.verdict_change as (
    quarter timestamptz,
    source text,
    overridden boolean,
    origin text,
    kind text,
    generator text,
    total bigint,
    good bigint,
    unreadable bigint
);


-- Returns the generation that an agent run executed: the agent's latest before the run. Sample runs match sample
-- generations only, other runs only others. One row or none.
-- p_except: events to ignore.
create function private.executed_generation(p_agent_id text, p_at timestamptz, p_sample boolean, p_except uuid[])
returns setof public.audit_logs
language sql stable
as $$
    select generation.*
    from public.audit_logs as generation
    where generation.action = 'WORKFLOW_GENERATED'
        and generation.entity_id = p_agent_id
        and generation.timestamp < p_at
        and generation.timestamp > '-infinity'
        and (generation.details ->> 'sample' is not distinct from 'true') = p_sample
        and generation.id <> all (p_except)
    order by generation.timestamp desc, generation.id desc
    limit 1
$$;

revoke all on function private.executed_generation(text, timestamptz, boolean, uuid[]) from public, anon, authenticated;


-- Returns when the agent of a generation got its next one; no row if it got none. Both are sample data, or neither is.
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

revoke all on function private.next_generation(text, timestamptz, jsonb) from public, anon, authenticated;


-- Returns the id of the first run of an agent after a moment. One row or none.
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

revoke all on function private.next_execution(text, timestamptz) from public, anon, authenticated;


-- Returns an agent's runs after p_after and up to p_until, inclusive. The fence makes the planner read the few rows of
-- one agent instead of comparing all runs with all agents; private.ratings_of has one for the same reason.
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

revoke all on function private.executions_between(text, timestamptz, timestamptz) from public, anon, authenticated;


-- Returns the generation that a rating is about. Sample ratings match sample generations only, other ratings only
-- others. One row or none.
-- p_except: events to ignore.
create function private.rated_generation(p_generation_id text, p_sample boolean, p_except uuid[])
returns setof public.audit_logs
language sql stable
as $$
    select generation.*
    from public.audit_logs as generation
    where generation.action = 'WORKFLOW_GENERATED'
        and generation.details ->> 'generation_id' = p_generation_id
        and (generation.details ->> 'sample' is not distinct from 'true') = p_sample
        and generation.id <> all (p_except)
    order by generation.timestamp desc nulls last, generation.id desc
    limit 1
$$;

revoke all on function private.rated_generation(text, boolean, uuid[]) from public, anon, authenticated;


-- Returns the ratings of these generations. The condition is a case expression that only
-- audit_logs_ratings_by_generation can answer: with any other index, the time would grow with the log.
create function private.ratings_of(p_generation_ids text[]) returns setof public.audit_logs
language sql stable
as $$
    select rating.*
    from public.audit_logs as rating
    where case when rating.action = 'WORKFLOW_RATED' then hashtextextended(rating.details ->> 'generation_id', 0) end
            = any (array(select hashtextextended(id, 0) from unnest(p_generation_ids) as given (id)))
        and rating.details ->> 'generation_id' = any (p_generation_ids)
    offset 0
$$;

revoke all on function private.ratings_of(text[]) from public, anon, authenticated;


-- Returns the slot and keys under which a verdict counts.
-- p_generation: the details of the generation that it judges; null if unknown.
create function private.verdict_key(p_kind text, p_moment timestamptz, p_source text, p_generation jsonb)
returns table (
    quarter timestamptz, source text, overridden boolean, origin text, kind text, generator text
)
language sql immutable
as $$
    select
        date_bin('15 minutes', p_moment, '2000-01-01 00:00:00+00'),
        case
            when p_generation is null then p_source
            else private.event_source(p_generation ->> 'sample', p_generation ->> 'simulated')
        end,
        private.is_left_out(p_generation ->> 'overridden', p_generation ->> 'forced_fault'),
        private.event_origin(p_generation ->> 'origin'),
        p_kind,
        private.label(coalesce(p_generation ->> 'generator_used', p_generation ->> 'generator'))
$$;

revoke all on function private.verdict_key(text, timestamptz, text, jsonb) from public, anon, authenticated;


-- Adds changes, which may be negative, to the counters in the order of their keys.
create function private.add_verdicts(p_changes private.verdict_change[]) returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
    insert into public.verdict_rollups as rollup (
        grain, slot, source, overridden, origin, kind, generator, total, good, unreadable
    )
    select
        slot.grain, slot.slot, source, overridden, origin, kind, generator, sum(total), sum(good), sum(unreadable)
    from unnest(p_changes) as change
    cross join lateral private.slots(change.quarter) as slot
    group by slot.grain, slot.slot, source, overridden, origin, kind, generator
    order by slot.grain, slot.slot, source, overridden, origin, kind, generator
    on conflict (grain, slot, source, overridden, origin, kind, generator)
    do update set
        total = rollup.total + excluded.total,
        good = rollup.good + excluded.good,
        unreadable = rollup.unreadable + excluded.unreadable;
end
$$;

revoke all on function private.add_verdicts(private.verdict_change[]) from public, anon, authenticated;


-- Returns the changes to the counters for already counted verdicts when these generations are added: each verdict on
-- one of them moves to it from the generation that it was counted for. Runs after the agent's next generation do not
-- move.
-- p_appended: events that are not counted yet.
create function private.moved_verdicts(p_generations uuid[], p_appended uuid[]) returns private.verdict_change[]
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
-- A plan made on the log's first day is kept while the log grows, so plans that read the whole log are ruled out.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return (
        -- Materialized, so that the next generation is looked up once, not once per run.
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
            cross join lateral private.ratings_of(array[generation.details ->> 'generation_id']) as rating
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

revoke all on function private.moved_verdicts(uuid[], uuid[]) from public, anon, authenticated;


-- Trigger function that counts the appended runs and ratings, and moves verdicts for which the appended generations are
-- a better match.
--
-- A run and its generation may be appended by two concurrent transactions, neither of which sees the other. Each
-- therefore takes the lock of its agent's or generation's stripe first, and looks only then.
create function private.roll_up_verdicts() returns trigger
language plpgsql security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
-- For the reasons given at private.moved_verdicts and private.roll_up_generations.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
as $$
declare
    events integer;
    judging boolean;
    generation_ids text[];
    changes private.verdict_change[];
begin
    select
        count(*),
        bool_or(action in ('WORKFLOW_RATED', 'AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')),
        array_agg(details ->> 'generation_id') filter (where action = 'WORKFLOW_GENERATED')
    into events, judging, generation_ids
    from appended;

    if events > 256 then
        -- So many events touch nearly every stripe; finding out which ones they do not touch takes longer than locking
        -- all.
        perform pg_advisory_xact_lock(20261125, stripe) from generate_series(0, 63) as stripe;
    else
        perform pg_advisory_xact_lock(20261125, stripe)
        from (
            select distinct hashtext(name) & 63 as stripe
            from appended
            cross join lateral (values (entity_id), (details ->> 'generation_id')) as judged (name)
            where name is not null
                and action in (
                    'WORKFLOW_GENERATED', 'WORKFLOW_RATED', 'AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED'
                )
            order by stripe
        ) as stripes;
    end if;

    if judging then
        with verdicts as (
            select fact.*
            from appended as event
            cross join lateral private.verdict_facts(event.action, event.timestamp, event.entity_id, event.details) as fact
        ),

        judged as (
            select verdicts.*, coalesce(executed.details, rated.details) as generation
            from verdicts
            left join lateral private.executed_generation(agent_id, moment, source = 'sample', '{}') as executed on true
            left join lateral private.rated_generation(generation_id, source = 'sample', '{}') as rated on true
        ),

        counted as (
            select key.*, count(good) as total, count(*) filter (where good) as good, count(*) - count(good) as unreadable
            from judged
            cross join lateral private.verdict_key(kind, moment, source, generation) as key
            group by key.quarter, key.source, key.overridden, key.origin, key.kind, key.generator
        )

        select array_agg(row(counted.*)::private.verdict_change) into changes
        from counted;
    end if;

    -- When a rebuild replays the log, all generations are there from the start, so nothing moves. Otherwise a verdict
    -- rarely precedes its generation, and checking for one costs far less than searching for all that would move.
    if tg_table_name = 'audit_logs' and (
        exists (
            select
            from (
                select entity_id, min(timestamp) as timestamp
                from appended
                where action = 'WORKFLOW_GENERATED'
                group by entity_id
            ) as earliest
            cross join lateral private.next_execution(earliest.entity_id, earliest.timestamp)
        )
        or exists (select from private.ratings_of(generation_ids))
    ) then
        changes := changes || private.moved_verdicts(
            array(select id from appended where action = 'WORKFLOW_GENERATED'), array(select id from appended)
        );
    end if;
    if changes <> '{}' then
        perform private.add_verdicts(changes);
    end if;
    return null;
end
$$;

revoke all on function private.roll_up_verdicts() from public, anon, authenticated;


create trigger roll_up_verdicts
after insert on public.audit_logs
referencing new table as appended
for each statement execute function private.roll_up_verdicts();
