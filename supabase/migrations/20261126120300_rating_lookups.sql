-- Asking for the ratings of all appended generations at once.

drop function private.ratings_of(text);
drop index public.audit_logs_ratings_by_generation;
-- A tree, as that answers for a thousand of them in one go; over hashes, as those have no length that it could not hold.
create index audit_logs_ratings_by_generation on public.audit_logs (
    (case when action = 'WORKFLOW_RATED' then hashtextextended(details ->> 'generation_id', 0) end)
) where case when action = 'WORKFLOW_RATED' then hashtextextended(details ->> 'generation_id', 0) end is not null;

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


-- Counts the appended runs and ratings, and moves those that the appended generations explain better.
--
-- A run and its generation may be appended by two transactions at once, neither of which sees the other. Each first
-- takes the lock of its agent's or generation's stripe, and looks only then.
create or replace function private.roll_up_verdicts() returns trigger
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
