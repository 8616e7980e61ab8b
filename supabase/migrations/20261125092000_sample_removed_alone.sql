-- Removes all sample data and what was counted of it, for admins, and leaves an event. Answers {removed}: the events.
create or replace function public.remove_sample_data() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    answer jsonb;
begin
    perform private.require_role('admin');
    -- Counts go first and events last: what somebody adds in between would lose its events and keep its counts.
    lock table public.audit_logs in share row exclusive mode;
    perform set_config('console.removes_sample', 'on', true);
    answer := private.remove_sample_data();
    perform set_config('console.removes_sample', 'off', true);
    return answer;
end
$$;
