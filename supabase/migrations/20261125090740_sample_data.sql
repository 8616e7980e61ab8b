-- The doors to the sample data: adding it slice by slice, and removing all of it.

-- Serve the removal.
create index audit_logs_sample on public.audit_logs (id) where details ->> 'sample' = 'true';
create index workflows_sample on public.workflows (generation_id) where sample;


-- Adds one slice of at most 1,000 generations of one day, for admins. Whoever wants the whole sample asks for all slices
-- of all days, from slice 0 of day 0 on; each is a transaction of its own.
--
-- p_until: the last day, UTC. Answers {events, more}: how many were new, and whether the day has another slice.
create function public.add_sample_data(
    p_until text, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_slice integer
)
returns jsonb
language plpgsql security definer
set search_path = ''
set jit = off
-- A plan for any numbers would join each row with all.
set plan_cache_mode = force_custom_plan
as $$
declare
    until date := p_until::date;
    first integer := 1000 * p_slice;
    last integer := 1000 * p_slice + 999;
    day record;
    added integer;
begin
    perform private.require_role('admin');
    if p_days not between 1 and 3660 or p_per_day not between 1 and 1000000 or p_day not between 0 and p_days - 1 then
        raise exception using
            errcode = 'PT400',
            message = 'Sample data has 1 to 3,660 days and 1 to 1,000,000 generations a day.';
    end if;
    if p_day = 0 and p_slice = 0 and exists (select from public.audit_logs where details ->> 'sample' = 'true') then
        raise exception using errcode = 'PT409', message = 'There is sample data already; remove it first.';
    end if;
    select * into day from private.sample_day(until, p_days, p_per_day, p_day);

    insert into public.workflows
    select * from private.sample_workflows(until, p_days, p_per_day, p_seed, p_day, first, last)
    on conflict (generation_id) do nothing;

    insert into public.audit_logs
    select * from private.sample_events(until, p_days, p_per_day, p_seed, p_day, first, last)
    union all
    select * from private.sample_changes(until, p_days, p_per_day, p_day) where p_slice = 0
    on conflict (id) do nothing;
    get diagnostics added = row_count;
    return jsonb_build_object('events', added, 'more', last + 1 < day.generations);
end
$$;


-- Removes all sample data and what was counted of it, and leaves an event that says so. Answers {removed}: the events.
create function private.remove_sample_data() returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    removed integer;
begin
    delete from public.generation_rollups where source = 'sample';
    delete from public.latency_rollups where source = 'sample';
    delete from public.attempt_rollups where source = 'sample';
    delete from public.finding_rollups where source = 'sample';
    delete from public.verdict_rollups where source = 'sample';
    delete from public.workflows where sample;
    delete from public.audit_logs where details ->> 'sample' = 'true';
    get diagnostics removed = row_count;

    perform private.append_events(jsonb_build_array(jsonb_build_object(
        'id', gen_random_uuid(),
        'action', 'SAMPLE_DATA_REMOVED',
        'user_id', auth.uid(),
        'actor_id', coalesce(auth.uid()::text, session_user::text),
        'entity_type', 'audit_log',
        'details', jsonb_build_object('removed', removed)
    )));
    return jsonb_build_object('removed', removed);
end
$$;

-- The same for admins.
create function public.remove_sample_data() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require_role('admin');
    return private.remove_sample_data();
end
$$;

-- Whether there is any: {present}.
create function public.has_sample_data() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require_role('admin', 'member', 'orchestrator');
    return jsonb_build_object(
        'present', exists (select from public.audit_logs where details ->> 'sample' = 'true')
    );
end
$$;

do $$
declare
    sample_function text;
begin
    for sample_function in
        select oid::regprocedure from pg_proc
        where pronamespace in ('private'::regnamespace, 'public'::regnamespace) and proname like '%sample\_%'
    loop
        execute format('revoke all on function %s from public, anon, authenticated', sample_function);
    end loop;
end
$$;

grant execute on function public.add_sample_data(text, integer, integer, integer, integer, integer) to authenticated;
grant execute on function public.remove_sample_data() to authenticated;
grant execute on function public.has_sample_data() to authenticated;
