-- A run that died shows what its events say: the attempts, the one under way estimated, and what they cost.

-- The details of the event that ends a run, of the events to append should it die; null where there is none.
create function private.ending_of(events jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
    select event.value -> 'details'
    from jsonb_array_elements(events) as event
    where event.value ->> 'action' = 'WORKFLOW_GENERATION_CANCELLED'
    limit 1
$$;

revoke all on function private.ending_of(jsonb) from public, anon, authenticated;


-- Closes the runs that are past their deadline with one append for all of them; answers how many.
create or replace function private.close_overdue() returns integer
language plpgsql security definer
set search_path = ''
as $$
declare
    closed integer;
    events jsonb;
begin
    with overdue as (
        select generation_id
        from public.workflows
        where status = 'running' and deadline_at < now()
        order by generation_id
        for update skip locked
    ),

    closing as (
        update public.workflows as run
        set
            status = 'interrupted',
            finished_at = run.deadline_at,
            attempts = coalesce(private.ending_of(run.events_if_interrupted) -> 'attempts', '[]'),
            cost_usd = (private.ending_of(run.events_if_interrupted) ->> 'cost_usd')::numeric
        from overdue
        where run.generation_id = overdue.generation_id
        returning run.deadline_at, run.events_if_interrupted
    ),

    ending as (
        select event || jsonb_build_object('timestamp', closing.deadline_at) as event
        from closing
        cross join lateral jsonb_array_elements(closing.events_if_interrupted) as event
    )

    select (select count(*) from closing), (select coalesce(jsonb_agg(event), '[]') from ending)
    into closed, events;

    if closed > 0 then
        perform private.append_events(events);
    end if;
    return closed;
end
$$;

revoke all on function private.close_overdue() from public, anon, authenticated;
