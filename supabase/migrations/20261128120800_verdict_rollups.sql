-- How the workflows did: runs of agents and ratings by users, each counted for the generator of the workflow it judges.
-- They arrive late and in any order, generations too: what comes later than what it explains moves the count.

-- Serve the search for the workflow that a run executed: its agent's latest before the run.
create index audit_logs_generations_by_agent
on public.audit_logs (entity_id, timestamp, id) where action = 'WORKFLOW_GENERATED';
create index audit_logs_executions_by_agent
on public.audit_logs (entity_id, timestamp) where action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED');
-- Serves the search for the workflow that was rated.
create index audit_logs_generation_by_id
on public.audit_logs using hash ((details ->> 'generation_id')) where action = 'WORKFLOW_GENERATED';
-- A tree, as that answers for a thousand of them in one go; over hashes, as those have no length that it could not hold.
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

comment on table public.verdict_rollups is 'One row per slot, kind of verdict and generator that is judged.';
comment on column public.verdict_rollups.slot is 'Of the run or rating; the other circumstances are the generation''s.';
comment on column public.verdict_rollups.kind is 'execution or rating.';
comment on column public.verdict_rollups.generator is 'Null while the log holds no generation that it judges.';
comment on column public.verdict_rollups.total is 'Verdicts that can be read; good ones among them.';

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


-- The generation that a run of an agent executed: the agent's latest before it; of sample data only for sample data. One
-- row or none. p_except: events to look past.
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

revoke all on function private.next_generation(text, timestamptz, jsonb) from public, anon, authenticated;


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

revoke all on function private.next_execution(text, timestamptz) from public, anon, authenticated;


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

revoke all on function private.executions_between(text, timestamptz, timestamptz) from public, anon, authenticated;


-- The generation that a rating is about; of sample data only for sample data. One row or none.
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


-- The ratings of these generations. As a case, which only that index can answer: any other grows with the log.
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


-- The slot and keys under which a verdict counts, p_generation being the details of the generation that it judges, if known.
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


-- What changes for verdicts that are counted already once these generations are there: each that one of them explains
-- goes from the generation that explained it before, which no run after the agent's next generation does. p_appended: events
-- that are not counted yet.
create function private.moved_verdicts(p_generations uuid[], p_appended uuid[]) returns private.verdict_change[]
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


-- Counts the appended runs and ratings, and moves those that the appended generations explain better.
--
-- A run and its generation may be appended by two transactions at once, neither of which sees the other. Each first
-- takes the lock of its agent's or generation's stripe, and looks only then.
create function private.roll_up_verdicts() returns trigger
language plpgsql security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
-- As for private.moved_verdicts, and for private.roll_up_generations.
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
        -- So many touch nearly every stripe, and to find out which they leave takes longer than to take all.
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

    -- When the log is replayed for a rebuild, all generations are there from the start. Nearly always no verdict is there
    -- before its generation, and asking for one costs far less than looking for all that would move.
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
