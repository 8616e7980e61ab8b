-- Sample rows leave the log together with what was counted of them, by the one function that removes both, or not at all:
-- a delete by hand would leave figures that the log no longer holds.

create or replace function private.refuse_audit_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if tg_op = 'DELETE'
        and old.details ->> 'sample' = 'true'
        and current_setting('console.removes_sample', true) = 'on'
    then
        return old;
    end if;
    raise exception using errcode = 'PT403', message = 'The audit log is append-only: no event can be changed or removed.';
end
$$;

-- Removes all sample data and what was counted of it, and leaves an event that says so. Answers {removed}: the events.
create or replace function private.remove_sample_data() returns jsonb
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

    perform set_config('console.removes_sample', 'on', true);
    delete from public.audit_logs where details ->> 'sample' = 'true';
    get diagnostics removed = row_count;
    perform set_config('console.removes_sample', 'off', true);

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
