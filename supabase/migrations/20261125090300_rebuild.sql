-- The rollups made anew from the log, by the same triggers that keep them.

create unlogged table private.replayed_events (like public.audit_logs);
comment on table private.replayed_events is 'Empty but during a rebuild, when the log''s events pass through it to be counted.';
alter table private.replayed_events enable row level security;
revoke all on private.replayed_events from public, anon, authenticated;

create trigger roll_up_verdicts
after insert on private.replayed_events
referencing new table as appended
for each statement execute function private.roll_up_verdicts();


-- Counts the whole log anew; nothing is appended meanwhile. Answers {events, differences: {rollup: rows}} with how many
-- rows came out otherwise than they stood, {} where log and rollups agreed. Who only wants to know rolls it back.
create function private.rebuild_rollups() returns jsonb
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
        execute format('truncate public.%I', rollup);
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
