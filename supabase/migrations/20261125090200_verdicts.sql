-- How the workflows did: runs of agents and ratings by users, each counted for the generator of the workflow it judges.
-- They arrive late and in any order, generations too: what comes later than what it explains moves the count.

-- Serve the search for the workflow that a run executed: its agent's latest before the run.
create index audit_logs_generations_by_agent
on public.audit_logs (entity_id, timestamp) where action = 'WORKFLOW_GENERATED';
create index audit_logs_executions_by_agent
on public.audit_logs (entity_id, timestamp) where action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED');
-- Serve the search for the workflow that was rated.
create index audit_logs_generation_by_id
on public.audit_logs using hash ((details ->> 'generation_id')) where action = 'WORKFLOW_GENERATED';
create index audit_logs_ratings_by_generation
on public.audit_logs using hash ((details ->> 'generation_id')) where action = 'WORKFLOW_RATED';

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

-- A verdict as a row to be counted: its own time and kind, and the circumstances and generator of the generation that
-- it judges, given as that event's details; its own source where it judges none that is known.
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
        coalesce(p_generation ->> 'overridden' = 'true', false),
        private.event_origin(p_generation ->> 'origin'),
        p_kind,
        private.label(coalesce(p_generation -> 'generator_used', p_generation -> 'generator'))
$$;


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


-- What changes for verdicts that are counted already once these generations are there: each that one of them explains
-- goes from the generation that explained it before. p_appended: events that are not counted yet.
create function private.moved_verdicts(p_generations uuid[], p_appended uuid[]) returns private.verdict_change[]
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
    return (
        with appended_generations as (
            select generation.*
            from unnest(p_generations) as given (id)
            join public.audit_logs as generation using (id)
        ),

        candidates as (
            select execution.*
            from appended_generations as generation
            join public.audit_logs as execution
                on execution.action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
                and execution.entity_id = generation.entity_id
                and execution.timestamp > generation.timestamp
            union
            select rating.*
            from appended_generations as generation
            join public.audit_logs as rating
                on rating.action = 'WORKFLOW_RATED'
                and rating.details ->> 'generation_id' = generation.details ->> 'generation_id'
        ),

        verdicts as (
            select fact.*
            from candidates as event
            cross join lateral private.verdict_facts(event.action, event.timestamp, event.entity_id, event.details) as fact
            where not exists (select from unnest(p_appended) as given (id) where given.id = event.id)
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


-- Counts the appended runs and ratings, and moves those that the appended generations explain better.
--
-- A run and its generation may be appended by two transactions at once, neither of which sees the other. Each first
-- takes the lock of its agent's or generation's stripe, and looks only then.
create function private.roll_up_verdicts() returns trigger
language plpgsql security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    generations uuid[] := array(select id from appended where action = 'WORKFLOW_GENERATED');
    changes private.verdict_change[];
begin
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

    -- When the log is replayed for a rebuild, all generations are there from the start. Nearly always no verdict is there
    -- before its generation, and asking for one costs far less than looking for all that would move.
    if tg_table_name = 'audit_logs' and generations <> '{}' and (
        exists (
            select
            from appended as generation
            join public.audit_logs as execution
                on execution.action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
                and execution.entity_id = generation.entity_id
                and execution.timestamp > generation.timestamp
            where generation.action = 'WORKFLOW_GENERATED'
        )
        or exists (
            select
            from appended as generation
            join public.audit_logs as rating
                on rating.action = 'WORKFLOW_RATED'
                and rating.details ->> 'generation_id' = generation.details ->> 'generation_id'
            where generation.action = 'WORKFLOW_GENERATED'
        )
    ) then
        changes := changes || private.moved_verdicts(generations, array(select id from appended));
    end if;
    if changes <> '{}' then
        perform private.add_verdicts(changes);
    end if;
    return null;
end
$$;

revoke all on function
    private.executed_generation(text, timestamptz, boolean, uuid[]),
    private.rated_generation(text, boolean, uuid[]),
    private.verdict_key(text, timestamptz, text, jsonb),
    private.add_verdicts(private.verdict_change[]),
    private.moved_verdicts(uuid[], uuid[]),
    private.roll_up_verdicts()
from public, anon, authenticated;

create trigger roll_up_verdicts
after insert on public.audit_logs
referencing new table as appended
for each statement execute function private.roll_up_verdicts();
