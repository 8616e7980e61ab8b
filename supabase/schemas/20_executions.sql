-- Runs of agents, as the platform that runs them reports.

-- Appends one event per run of an agent, all or none; returns {recorded}: how many were new. A run whose id is in the log
-- already is skipped, so that a batch can be sent again.
-- p_executions: 1 to 1,000 of {id, action, agent_id, timestamp, duration_ms, error_code}; action is
-- AGENT_EXECUTION_COMPLETED or AGENT_EXECUTION_FAILED; id, timestamp, duration_ms and error_code may be missing. A
-- random id (version 4 or 7) is the event's own; from any other the event's is derived with the caller's, so that no run
-- takes the place of an event whose id can be foreseen. A
-- timestamp in the future becomes now: a host's clock may be wrong. None is before the year 2000.
create function public.record_executions(p_executions jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    actor text := coalesce('token:' || private.api_token_id(), auth.uid()::text);
    execution jsonb;
    at timestamptz;
    events jsonb := '[]';
begin
    perform private.require('record_executions');
    perform private.refuse_unless(
        jsonb_typeof(p_executions) = 'array'
        and jsonb_array_length(p_executions) between 1 and 1000
        and pg_column_size(p_executions) <= 2000000,
        'A batch has 1 to 1,000 runs.'
    );
    for execution in select value from jsonb_array_elements(p_executions) loop
        perform private.refuse_unless(
            execution ->> 'action' in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
            and length(trim(execution ->> 'agent_id')) between 1 and 100
            and private.is_plausible(execution -> 'duration_ms', 0, 31536000000)
            and coalesce(execution ->> 'error_code', '') ~ '^[A-Za-z0-9_.:-]{0,100}$'
            and (execution ->> 'id' is null or private.uuid_or_null(execution ->> 'id') is not null),
            'A run needs an action, AGENT_EXECUTION_COMPLETED or AGENT_EXECUTION_FAILED, and an agent_id.'
        );
        at := least(coalesce((execution ->> 'timestamp')::timestamptz, now()), now());
        perform private.refuse_unless(at >= '2000-01-01', 'A run was in this century.');
        events := events || jsonb_build_object(
            'id', case
                when execution ->> 'id' is null then gen_random_uuid()
                when substr((execution ->> 'id')::uuid::text, 15, 1) in ('4', '7') then (execution ->> 'id')::uuid
                else md5('run ' || actor || ' ' || (execution ->> 'id')::uuid)::uuid
            end,
            'timestamp', at,
            'actor_id', actor,
            'action', execution ->> 'action',
            'entity_type', 'agent',
            'entity_id', trim(execution ->> 'agent_id'),
            'severity', case execution ->> 'action' when 'AGENT_EXECUTION_FAILED' then 'warning' else 'info' end,
            'compliance_flags', jsonb_build_array('SOC2'),
            'details', jsonb_strip_nulls(jsonb_build_object(
                'duration_ms', execution -> 'duration_ms', 'error_code', execution ->> 'error_code'
            ))
        );
    end loop;
    return jsonb_build_object('recorded', private.append_events(events));
end
$$;

revoke all on function public.record_executions(jsonb) from public, anon;
grant execute on function public.record_executions(jsonb) to authenticated;
