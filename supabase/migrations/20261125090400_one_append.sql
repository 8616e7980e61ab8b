-- Runs that died are closed with one append for all of them: whoever appends holds the counters of the present slot from
-- then on, and must not lock other rows in another order.

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
        set status = 'interrupted', finished_at = run.deadline_at
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
