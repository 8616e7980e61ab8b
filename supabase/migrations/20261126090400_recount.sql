-- A log that came with an earlier system is counted too, and figures can be read while counters are made anew.

-- Counts the whole log anew; nothing is appended meanwhile, figures stay as they were. Answers {events, differences: {rollup: rows}} with how many
-- rows came out otherwise than they stood, {} where log and rollups agreed. Who only wants to know rolls it back.
create or replace function private.rebuild_rollups() returns jsonb
language plpgsql
set search_path = ''
set jit = off
as $$
declare
    rollups constant text[] := array[
        'generation_rollups', 'latency_rollups', 'attempt_rollups', 'finding_rollups', 'verdict_rollups'
    ];
    rollup text;
    ids uuid[];
    different bigint;
    differences jsonb := '{}';
begin
    lock table public.audit_logs in share row exclusive mode;
    -- What moved away leaves a row of zeros behind.
    delete from public.verdict_rollups where total = 0 and unreadable = 0;
    foreach rollup in array rollups loop
        execute format('create temporary table %I on commit drop as table public.%I', 'was_' || rollup, rollup);
        -- Not truncated: whoever reads figures meanwhile would wait until the end.
        execute format('delete from public.%I', rollup);
    end loop;

    -- In the order of time, so that each batch meets few slots.
    for ids in
        with numbered as (
            select id, row_number() over (order by timestamp, id) / 20000 as batch
            from public.audit_logs
        )

        select array_agg(id) from numbered group by batch order by batch
    loop
        insert into private.replayed_events
        select event.*
        from unnest(ids) as given (id)
        join public.audit_logs as event using (id);

        truncate private.replayed_events;
    end loop;

    foreach rollup in array rollups loop
        execute format(
            'select count(*) from ((table pg_temp.%1$I except table public.%2$I) union all (table public.%2$I except table pg_temp.%1$I)) as either',
            'was_' || rollup, rollup
        ) into different;
        if different > 0 then
            differences := differences || jsonb_build_object(rollup, different);
        end if;
        execute format('drop table pg_temp.%I', 'was_' || rollup);
    end loop;
    return jsonb_build_object('events', (select count(*) from public.audit_logs), 'differences', differences);
end
$$;

revoke all on function private.rebuild_rollups() from public, anon, authenticated;

-- A database that was adopted before now has events that no counter knows.
do $$
begin
    if (
        select count(*) from public.audit_logs
        where action in ('WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED')
    ) <> (select coalesce(sum(generations), 0) from public.generation_rollups where grain = 360)
        or (
            select count(*) from public.audit_logs
            where action in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED', 'WORKFLOW_RATED')
        ) <> (select coalesce(sum(total + unreadable), 0) from public.verdict_rollups where grain = 360)
        or (
            select count(*) from public.audit_logs where action = 'WORKFLOW_GENERATION_FALLBACK' and details ->> 'generation_id' is null
        ) > (select coalesce(sum(attempts), 0) from public.attempt_rollups where grain = 360)
    then
        perform private.rebuild_rollups();
    end if;
end
$$;
