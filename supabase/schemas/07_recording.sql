-- What the orchestrator may record: the start of a generation, its progress, and the known events of its end with
-- plausible figures, nothing else. The user, the agent and the origin are taken from the generation's own row, whatever
-- an event says.


-- Returns whether a value is missing, null, or a JSON number from low to high.
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

revoke all on function private.is_plausible(jsonb, numeric, numeric) from public, anon, authenticated;


-- Returns whether an attempt has a model, a known outcome and plausible figures.
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

revoke all on function private.is_plausible_attempt(jsonb) from public, anon, authenticated;


-- Returns whether the figures of an event are plausible: each within its limits, only savings below 0, and the cost
-- equal to that of its attempts. A FALLBACK event needs no attempts.
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

revoke all on function private.is_plausible_event(jsonb) from public, anon, authenticated;


-- Returns the events of a generation as they go into the log; raises PT400 if they are not plausible. p_events is what
-- the orchestrator reports: one event that says how the generation ended, preceded by one for its fallback if there was
-- one; none if no model was asked. Timestamps are kept between the start and now by this database's clock, since a
-- host's clock may be wrong.
create function private.checked_events(p_generation public.workflows, p_events jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
    perform private.refuse_unless(
        jsonb_typeof(p_events) = 'array' and jsonb_array_length(p_events) <= 2,
        'A generation has one event for its end and one for its fallback, no other.'
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
        'These are not the events of a generation.'
    );
    perform private.refuse_unless(
        (select coalesce(bool_and(private.is_plausible_event(event)), true) from jsonb_array_elements(p_events) as event),
        'The figures of these events are not plausible.'
    );
    return (
        select coalesce(jsonb_agg(
            jsonb_build_object(
                'id', (event.value ->> 'id')::uuid,
                'timestamp', least(greatest((event.value ->> 'timestamp')::timestamptz, p_generation.started_at), now()),
                'user_id', p_generation.user_id,
                'actor_id', p_generation.actor_id,
                'action', event.value ->> 'action',
                'entity_type', 'agent',
                'entity_id', p_generation.agent_id,
                'severity', case event.value ->> 'action'
                    when 'WORKFLOW_GENERATION_FALLBACK' then 'warning'
                    when 'WORKFLOW_GENERATION_FAILED' then 'critical'
                    else 'info'
                end,
                'compliance_flags', jsonb_build_array('SOC2'),
                'details', (event.value -> 'details') - array['sample', 'supersedes', 'replaces_generation_id']
                    || jsonb_build_object(
                        'generation_id', p_generation.generation_id,
                        'origin', p_generation.origin,
                        'overridden', p_generation.overridden,
                        'config_version', p_generation.config_version,
                        'prompt_version', p_generation.prompt_version,
                        'simulated', p_generation.simulated
                    )
                    || case
                        when p_generation.replaces_generation_id is null then '{}'::jsonb
                        else jsonb_build_object('replaces_generation_id', p_generation.replaces_generation_id)
                    end
            )
            order by event.ordinality
        ), '[]')
        from jsonb_array_elements(p_events) with ordinality as event
    );
end
$$;

revoke all on function private.checked_events(public.workflows, jsonb) from public, anon, authenticated;


-- Returns the events of a generation that was closed as interrupted, each marked as superseding the estimate of its
-- kind. If the log already has an event's id, the event gets an id derived from its own and the estimate's, so that a
-- delivery can be repeated.
create function private.superseding_events(p_events jsonb, p_estimates jsonb) returns jsonb
language sql stable
set search_path = ''
as $$
    select coalesce(jsonb_agg(
        case
            when estimate.id is null then event.value
            else event.value || jsonb_build_object(
                'id',
                case
                    when exists (select from public.audit_logs as logged where logged.id = (event.value ->> 'id')::uuid)
                    then md5((event.value ->> 'id') || ' supersedes ' || estimate.id)::uuid
                    else (event.value ->> 'id')::uuid
                end,
                'details', (event.value -> 'details') || jsonb_build_object('supersedes', estimate.id)
            )
        end
        order by event.ordinality
    ), '[]')
    from jsonb_array_elements(p_events) with ordinality as event
    left join lateral (
        select other.value ->> 'id' as id
        from jsonb_array_elements(p_estimates) as other
        where (other.value ->> 'action' = 'WORKFLOW_GENERATION_FALLBACK')
            = (event.value ->> 'action' = 'WORKFLOW_GENERATION_FALLBACK')
    ) as estimate on true
$$;

revoke all on function private.superseding_events(jsonb, jsonb) from public, anon, authenticated;


-- Returns the details of the event that says how a generation ended; null if there is none among these events.
create function private.ending_of(events jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
    select event.value -> 'details'
    from jsonb_array_elements(events) as event
    where event.value ->> 'action' <> 'WORKFLOW_GENERATION_FALLBACK'
    limit 1
$$;

revoke all on function private.ending_of(jsonb) from public, anon, authenticated;


-- Closes all generations that are past their deadline, with one append for all of them; returns how many.
create function private.close_overdue() returns integer
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
        update public.workflows as generation
        set
            status = 'interrupted',
            finished_at = generation.deadline_at,
            attempts = coalesce(private.ending_of(generation.events_if_interrupted) -> 'attempts', '[]'),
            cost_usd = (private.ending_of(generation.events_if_interrupted) ->> 'cost_usd')::numeric
        from overdue
        where generation.generation_id = overdue.generation_id
        returning generation.deadline_at, generation.events_if_interrupted
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


-- Closes all generations that are past their deadline, for the orchestrator; returns {closed}: how many.
create function public.close_interrupted_generations() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('record');
    return jsonb_build_object('closed', private.close_overdue());
end
$$;

revoke all on function public.close_interrupted_generations() from public, anon;
grant execute on function public.close_interrupted_generations() to authenticated;


-- Records the start of a generation, before any model is asked; returns {}. Overdue generations are closed first.
-- p_generation: the JSON of a workflows row without its timestamps.
-- p_limit_s: the deadline, in seconds from now.
create function public.start_generation(p_generation text, p_limit_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    generation public.workflows;
begin
    perform private.require('record');
    perform private.refuse_unless(octet_length(p_generation) <= 1000000, 'This generation is too large to record.');
    perform private.refuse_unless(p_limit_s between 0 and 86400, 'The deadline of a generation is at most a day away.');
    perform private.close_overdue();

    generation := jsonb_populate_record(null::public.workflows, p_generation::jsonb);
    if not private.actor_may_generate(generation.user_id, generation.actor_id) then
        raise exception using
            errcode = 'PT403',
            message = 'Generating workflows needs the role admin or engineer, or an API token for it; ask an admin.';
    end if;
    generation.started_at := now();
    insert into public.workflows (
        generation_id, user_id, actor_id, agent_id, origin, prompt, services, overridden, simulated,
        config_version, prompt_version, replaces_generation_id, started_at, deadline_at, events_if_interrupted, options,
        start_id
    )
    values (
        generation.generation_id, generation.user_id, generation.actor_id, generation.agent_id, generation.origin, generation.prompt,
        coalesce(generation.services, '{}'), coalesce(generation.overridden, false), coalesce(generation.simulated, false),
        generation.config_version, generation.prompt_version, generation.replaces_generation_id, generation.started_at,
        generation.started_at + p_limit_s * interval '1 second',
        private.checked_events(generation, coalesce(generation.events_if_interrupted, '[]')),
        coalesce(generation.options, '{}'),
        generation.start_id
    )
    on conflict (generation_id) do nothing;

    if not found then
        raise exception using
            errcode = 'PT409',
            message = 'A generation with this id already exists; leave the id out or choose another one.';
    end if;
    return '{}';
end
$$;

revoke all on function public.start_generation(text, integer) from public, anon;
grant execute on function public.start_generation(text, integer) to authenticated;


-- Records the events to append if the process dies from here on; returns {status}. Only a generation that is still
-- running may ask another model.
-- p_asked: whether that model has already been asked, while the database was unreachable. If the generation was closed
-- in the meantime, the estimate with this attempt then supersedes the one without it.
create function public.note_progress(p_generation_id uuid, p_events_if_interrupted text, p_asked boolean) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    generation public.workflows;
    events jsonb;
begin
    perform private.require('record');
    perform private.refuse_unless(octet_length(p_events_if_interrupted) <= 1000000, 'These events are too large to record.');
    select * into generation from public.workflows where generation_id = p_generation_id for update;
    perform private.refuse_unless(generation.generation_id is not null, 'There is no generation with this id.');
    if generation.status not in ('running', 'interrupted') then
        return jsonb_build_object('status', generation.status);
    end if;

    events := private.checked_events(generation, p_events_if_interrupted::jsonb);
    if generation.status = 'interrupted' then
        if not p_asked or jsonb_array_length(private.ending_of(events) -> 'attempts') <= jsonb_array_length(generation.attempts) then
            return jsonb_build_object('status', generation.status);
        end if;
        events := private.superseding_events(events, generation.events_if_interrupted);
        perform private.append_events(events);
    end if;

    update public.workflows
    set
        events_if_interrupted = events,
        attempts = case generation.status when 'running' then generation.attempts else private.ending_of(events) -> 'attempts' end,
        cost_usd = case generation.status when 'running' then generation.cost_usd else (private.ending_of(events) ->> 'cost_usd')::numeric end
    where generation_id = p_generation_id;
    return jsonb_build_object('status', generation.status);
end
$$;

revoke all on function public.note_progress(uuid, text, boolean) from public, anon;
grant execute on function public.note_progress(uuid, text, boolean) to authenticated;


-- Records the result of a generation, its row and all its audit events, in one transaction.
-- p_record: {status, generator_used, pilot_steps, findings, rejected_outputs, figures, finished_at, events, start_id}.
-- Attempts and cost are taken from the event that says how the generation ended. Without events, no model was asked. With
-- a start_id, it is the withdrawal of that start, which ends no other.
-- A repeated call changes nothing. The result of a generation that was closed as interrupted in the meantime supersedes
-- the estimate.
-- Returns {status} as it now stands, null for a generation that was never started.
create function public.finish_generation(p_generation_id uuid, p_record text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    record jsonb;
    generation public.workflows;
    events jsonb;
    ending jsonb;
begin
    perform private.require('record');
    perform private.refuse_unless(octet_length(p_record) <= 50000000, 'This result is too large to record.');
    record := p_record::jsonb;
    select * into generation from public.workflows where generation_id = p_generation_id for update;
    if generation.generation_id is null then
        perform private.refuse_unless(
            jsonb_typeof(record -> 'events') = 'array' and jsonb_array_length(record -> 'events') = 0,
            'There is no generation with this id; only a generation that was started can end.'
        );
        return jsonb_build_object('status', null);
    end if;
    if generation.status not in ('running', 'interrupted')
        or (record ? 'start_id' and generation.start_id is distinct from (record ->> 'start_id')::uuid)
    then
        return jsonb_build_object('status', generation.status);
    end if;

    events := private.checked_events(generation, record -> 'events');
    ending := private.ending_of(events);
    perform private.refuse_unless(
        record ->> 'status' in ('succeeded', 'failed', 'cancelled')
        and (ending is not null or record ->> 'status' = 'cancelled'),
        'A generation ends as succeeded, failed or cancelled, with its event.'
    );
    -- If no model was asked, there is no event to supersede the estimate.
    if generation.status = 'interrupted' and ending is null then
        return jsonb_build_object('status', generation.status);
    end if;
    if generation.status = 'interrupted' then
        events := private.superseding_events(events, generation.events_if_interrupted);
    end if;

    update public.workflows
    set
        status = record ->> 'status',
        generator_used = record ->> 'generator_used',
        pilot_steps = nullif(record -> 'pilot_steps', 'null'),
        findings = coalesce(record -> 'findings', '[]'),
        rejected_outputs = coalesce(record -> 'rejected_outputs', '[]'),
        attempts = coalesce(ending -> 'attempts', '[]'),
        cost_usd = coalesce((ending ->> 'cost_usd')::numeric, 0),
        figures = coalesce(record -> 'figures', '{}'),
        finished_at = least(greatest((record ->> 'finished_at')::timestamptz, generation.started_at), now()),
        events_if_interrupted = '[]'
    where generation_id = p_generation_id;

    perform private.append_events(events);
    return jsonb_build_object('status', record ->> 'status');
end
$$;

revoke all on function public.finish_generation(uuid, text) from public, anon;
grant execute on function public.finish_generation(uuid, text) to authenticated;
