-- What counts the runs and ratings, with as little as can be to do for generations that nobody has judged yet.

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
    changes private.verdict_change[];
begin
    select count(*), bool_or(action in ('WORKFLOW_RATED', 'AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED'))
    into events, judging
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
        or exists (
            select
            from appended as generation
            cross join lateral private.ratings_of(generation.details ->> 'generation_id')
            where generation.action = 'WORKFLOW_GENERATED'
        )
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
