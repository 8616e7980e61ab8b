-- The recording functions, which take the events of known runs alone, and what arrives after a run was closed.

-- Notes that a run has started, before any model is asked. p_run is the JSON of a workflows row without its clock;
-- it is due p_limit_s seconds from now.
create or replace function public.start_generation(p_run text, p_limit_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    run public.workflows;
begin
    perform private.require_role('orchestrator');
    perform private.refuse_unless(octet_length(p_run) <= 1000000, 'A run cannot be that large.');
    perform private.refuse_unless(p_limit_s between 0 and 86400, 'A run is due within a day.');
    perform private.close_overdue();

    run := jsonb_populate_record(null::public.workflows, p_run::jsonb);
    run.started_at := now();
    insert into public.workflows (
        generation_id, user_id, actor_id, agent_id, origin, prompt, services, overridden, simulated,
        config_version, prompt_version, replaces_generation_id, started_at, deadline_at, events_if_interrupted
    )
    values (
        run.generation_id, run.user_id, run.actor_id, run.agent_id, run.origin, run.prompt,
        coalesce(run.services, '{}'), coalesce(run.overridden, false), coalesce(run.simulated, false),
        run.config_version, run.prompt_version, run.replaces_generation_id, run.started_at,
        run.started_at + p_limit_s * interval '1 second',
        private.run_events(run, coalesce(run.events_if_interrupted, '[]'))
    )
    on conflict (generation_id) do nothing;

    if not found then
        raise exception using
            errcode = 'PT409',
            message = 'There is a run with this id already; leave the id out or choose another one.';
    end if;
    return '{}';
end
$$;


-- The events of a run that was closed as interrupted, each in the place of the estimate of its kind. An id that the log has
-- already gives way to one that follows from it and from the estimate's, so that a delivery can be repeated.
create function private.in_place_of_estimates(p_events jsonb, p_estimates jsonb) returns jsonb
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


-- The details of the event that tells how a run ended, of its events; null where there is none.
create or replace function private.ending_of(events jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
    select event.value -> 'details'
    from jsonb_array_elements(events) as event
    where event.value ->> 'action' <> 'WORKFLOW_GENERATION_FALLBACK'
    limit 1
$$;


drop function public.note_progress(uuid, text);

-- Notes what would have to be recorded should the process die from here on. Answers {status}: only a run that is still
-- running may ask another model.
-- p_asked: whether that model has been asked already, while the database was away. For a run that was closed meanwhile the
-- estimate with this attempt then takes the place of the one without.
create function public.note_progress(p_generation_id uuid, p_events_if_interrupted text, p_asked boolean) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    run public.workflows;
    events jsonb;
begin
    perform private.require_role('orchestrator');
    perform private.refuse_unless(octet_length(p_events_if_interrupted) <= 1000000, 'The events of a run cannot be that large.');
    select * into run from public.workflows where generation_id = p_generation_id for update;
    perform private.refuse_unless(run.generation_id is not null, 'There is no run with this id.');
    if run.status not in ('running', 'interrupted') then
        return jsonb_build_object('status', run.status);
    end if;

    events := private.run_events(run, p_events_if_interrupted::jsonb);
    if run.status = 'interrupted' then
        if not p_asked or jsonb_array_length(private.ending_of(events) -> 'attempts') <= jsonb_array_length(run.attempts) then
            return jsonb_build_object('status', run.status);
        end if;
        events := private.in_place_of_estimates(events, run.events_if_interrupted);
        perform private.append_events(events);
    end if;

    update public.workflows
    set
        events_if_interrupted = events,
        attempts = case run.status when 'running' then run.attempts else private.ending_of(events) -> 'attempts' end,
        cost_usd = case run.status when 'running' then run.cost_usd else (private.ending_of(events) ->> 'cost_usd')::numeric end
    where generation_id = p_generation_id;
    return jsonb_build_object('status', run.status);
end
$$;


-- Records the outcome of a run: its row and all its audit events, in one transaction. p_outcome is
-- {status, generator_used, pilot_steps, findings, rejected_outputs, figures, finished_at, events}; attempts and cost are those
-- of the event that tells the end. A repeated call changes nothing. The outcome of a run that was closed as interrupted in
-- the meantime takes the place of the estimate. Without events it says that the run asked nobody.
-- Answers {status} as it now stands, null for a run that was never started.
create or replace function public.finish_generation(p_generation_id uuid, p_outcome text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    outcome jsonb;
    run public.workflows;
    events jsonb;
    ending jsonb;
begin
    perform private.require_role('orchestrator');
    perform private.refuse_unless(octet_length(p_outcome) <= 50000000, 'An outcome cannot be that large.');
    outcome := p_outcome::jsonb;
    select * into run from public.workflows where generation_id = p_generation_id for update;
    if run.generation_id is null then
        perform private.refuse_unless(
            jsonb_typeof(outcome -> 'events') = 'array' and jsonb_array_length(outcome -> 'events') = 0,
            'There is no run with this id: only what was started can end.'
        );
        return jsonb_build_object('status', null);
    end if;
    if run.status not in ('running', 'interrupted') then
        return jsonb_build_object('status', run.status);
    end if;

    events := private.run_events(run, outcome -> 'events');
    ending := private.ending_of(events);
    perform private.refuse_unless(
        outcome ->> 'status' in ('succeeded', 'failed', 'cancelled')
        and (ending is not null or outcome ->> 'status' = 'cancelled'),
        'An outcome is succeeded, failed or cancelled, and has its event.'
    );
    -- What asked nobody has nothing to put in the place of an estimate.
    if run.status = 'interrupted' and ending is null then
        return jsonb_build_object('status', run.status);
    end if;
    if run.status = 'interrupted' then
        events := private.in_place_of_estimates(events, run.events_if_interrupted);
    end if;

    update public.workflows
    set
        status = outcome ->> 'status',
        generator_used = outcome ->> 'generator_used',
        pilot_steps = nullif(outcome -> 'pilot_steps', 'null'),
        findings = coalesce(outcome -> 'findings', '[]'),
        rejected_outputs = coalesce(outcome -> 'rejected_outputs', '[]'),
        attempts = coalesce(ending -> 'attempts', '[]'),
        cost_usd = coalesce((ending ->> 'cost_usd')::numeric, 0),
        figures = coalesce(outcome -> 'figures', '{}'),
        finished_at = least(greatest((outcome ->> 'finished_at')::timestamptz, run.started_at), now()),
        events_if_interrupted = '[]'
    where generation_id = p_generation_id;

    perform private.append_events(events);
    return jsonb_build_object('status', outcome ->> 'status');
end
$$;

revoke all on function private.in_place_of_estimates(jsonb, jsonb) from public, anon, authenticated;
revoke all on function public.note_progress(uuid, text, boolean) from public, anon;
grant execute on function public.note_progress(uuid, text, boolean) to authenticated;
