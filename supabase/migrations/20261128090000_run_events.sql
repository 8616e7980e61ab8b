-- What the orchestrator may record: the known events of a run that was started, with plausible figures, and nothing else. Who
-- it was, for which agent and from where is taken from the run's own row, whatever an event says.

-- Refuses what cannot be recorded, in one sentence.
create function private.refuse_unless(plausible boolean, complaint text) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
    if plausible is not true then
        raise exception using errcode = 'PT400', message = complaint;
    end if;
end
$$;

-- Whether a value is missing, null, or a JSON number from low to high.
create function private.is_plausible(value jsonb, low numeric, high numeric) returns boolean
language sql immutable
set search_path = ''
as $$
    select case coalesce(jsonb_typeof(value), 'null')
        when 'null' then true
        when 'number' then value::numeric between low and high
        else false
    end
$$;

-- Whether the figures of one attempt can be.
create function private.is_plausible_attempt(attempt jsonb) returns boolean
language sql immutable
set search_path = ''
as $$
    select jsonb_typeof(attempt) = 'object'
        and length(attempt ->> 'model') between 1 and 100
        and attempt ->> 'outcome' in ('succeeded', 'validation_failed', 'api_error', 'timeout', 'rate_limit', 'cancelled')
        and private.is_plausible(attempt -> 'cost_usd', 0, 1e6)
        and private.is_plausible(attempt -> 'duration_ms', 0, 86400000)
        and private.is_plausible(attempt -> 'tokens' -> 'input', 0, 1e9)
        and private.is_plausible(attempt -> 'tokens' -> 'output', 0, 1e9)
        and private.is_plausible(attempt -> 'tokens' -> 'total', 0, 2e9)
$$;

-- Whether the figures of one event can be: none below 0, none beyond reason, and its cost that of its attempts.
create function private.is_plausible_event(event jsonb) returns boolean
language sql immutable
set search_path = ''
as $$
    select jsonb_typeof(event -> 'details') = 'object'
        and pg_column_size(event) <= 200000
        and private.is_plausible(event -> 'details' -> 'cost_usd', 0, 1e6)
        and private.is_plausible(event -> 'details' -> 'wasted_cost_usd', 0, 1e6)
        and private.is_plausible(event -> 'details' -> 'baseline_cost_usd', 0, 1e6)
        and private.is_plausible(event -> 'details' -> 'savings_usd', -1e6, 1e6)
        and private.is_plausible(event -> 'details' -> 'generation_time_ms', 0, 86400000)
        and private.is_plausible(event -> 'details' -> 'steps_generated', 1, 50)
        and private.is_plausible(event -> 'details' -> 'tokens_wasted', 0, 2e9)
        and (
            event ->> 'action' = 'WORKFLOW_GENERATION_FALLBACK'
            or (
                jsonb_typeof(event -> 'details' -> 'attempts') = 'array'
                and jsonb_array_length(event -> 'details' -> 'attempts') <= 10
                and (
                    select coalesce(bool_and(private.is_plausible_attempt(attempt)), true)
                        and coalesce(sum((attempt ->> 'cost_usd')::numeric), 0) = (event -> 'details' ->> 'cost_usd')::numeric
                    from jsonb_array_elements(event -> 'details' -> 'attempts') as attempt
                )
            )
        )
$$;

-- The events of a run as they go into the log, p_events being what its orchestrator says of them: an event of how it ended,
-- and before it the one of a fallback, if there was one; none for a run that asked nobody. Their time lies between the
-- start and now by this database's clock: a host's own may be wrong.
create function private.run_events(p_run public.workflows, p_events jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
    perform private.refuse_unless(
        jsonb_typeof(p_events) = 'array' and jsonb_array_length(p_events) <= 2,
        'A run has an event of its end and one of its fallback, no other.'
    );
    perform private.refuse_unless(
        (
            select coalesce(bool_and(
                event ->> 'action' in (
                    'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED',
                    'WORKFLOW_GENERATION_FALLBACK'
                )
            ), true)
            and count(*) filter (where event ->> 'action' = 'WORKFLOW_GENERATION_FALLBACK') <= 1
            and count(*) filter (where event ->> 'action' <> 'WORKFLOW_GENERATION_FALLBACK') = sign(count(*))
            from jsonb_array_elements(p_events) as event
        ),
        'These are not the events of a run.'
    );
    perform private.refuse_unless(
        (select coalesce(bool_and(private.is_plausible_event(event)), true) from jsonb_array_elements(p_events) as event),
        'The figures of these events cannot be.'
    );
    return (
        select coalesce(jsonb_agg(
            jsonb_build_object(
                'id', (event.value ->> 'id')::uuid,
                'timestamp', least(greatest((event.value ->> 'timestamp')::timestamptz, p_run.started_at), now()),
                'user_id', p_run.user_id,
                'actor_id', p_run.actor_id,
                'action', event.value ->> 'action',
                'entity_type', 'agent',
                'entity_id', p_run.agent_id,
                'severity', case event.value ->> 'action'
                    when 'WORKFLOW_GENERATION_FALLBACK' then 'warning'
                    when 'WORKFLOW_GENERATION_FAILED' then 'critical'
                    else 'info'
                end,
                'compliance_flags', jsonb_build_array('SOC2'),
                'details', (event.value -> 'details') - array['sample', 'supersedes', 'replaces_generation_id']
                    || jsonb_build_object(
                        'generation_id', p_run.generation_id,
                        'origin', p_run.origin,
                        'overridden', p_run.overridden,
                        'config_version', p_run.config_version,
                        'prompt_version', p_run.prompt_version,
                        'simulated', p_run.simulated
                    )
                    || case
                        when p_run.replaces_generation_id is null then '{}'::jsonb
                        else jsonb_build_object('replaces_generation_id', p_run.replaces_generation_id)
                    end
            )
            order by event.ordinality
        ), '[]')
        from jsonb_array_elements(p_events) with ordinality as event
    );
end
$$;

revoke all on function
    private.refuse_unless(boolean, text), private.is_plausible(jsonb, numeric, numeric),
    private.is_plausible_attempt(jsonb), private.is_plausible_event(jsonb), private.run_events(public.workflows, jsonb)
from public, anon, authenticated;
