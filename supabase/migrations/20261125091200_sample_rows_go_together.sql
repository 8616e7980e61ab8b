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

-- Removes all sample data and what was counted of it, for admins, and leaves an event. Answers {removed}: the events.
create or replace function public.remove_sample_data() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    answer jsonb;
begin
    perform private.require_role('admin');
    perform set_config('console.removes_sample', 'on', true);
    answer := private.remove_sample_data();
    perform set_config('console.removes_sample', 'off', true);
    return answer;
end
$$;
