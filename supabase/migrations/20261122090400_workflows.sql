-- What was asked and what came of it: one row per generation, from its start. Prompts, steps and rejected outputs
-- stand here and nowhere else, so that they can be erased without touching the audit log.

create table public.workflows (
    generation_id uuid primary key,
    user_id uuid,
    actor_id text,
    agent_id text,
    origin text not null check (origin in ('playground', 'cli', 'api', 'platform')),
    status text not null default 'running'
        check (status in ('running', 'succeeded', 'failed', 'cancelled', 'interrupted')),
    prompt text not null,
    services text[] not null default '{}',
    pilot_steps jsonb,
    findings jsonb not null default '[]',
    rejected_outputs jsonb not null default '[]',
    attempts jsonb not null default '[]',
    generator_used text,
    cost_usd numeric,
    figures jsonb not null default '{}',
    overridden boolean not null default false,
    simulated boolean not null default false,
    config_version bigint,
    prompt_version integer,
    replaces_generation_id uuid,
    started_at timestamptz not null default now(),
    deadline_at timestamptz not null,
    finished_at timestamptz,
    events_if_interrupted jsonb not null default '[]'
);

comment on table public.workflows is 'One row per generation.';
comment on column public.workflows.cost_usd is 'All attempts together, in US dollars; null while running.';
comment on column public.workflows.figures is
    'What the result said beyond the attempts: api_model, generation_time_ms, fallback_reason; baseline and savings as text.';
comment on column public.workflows.deadline_at is 'When a run that has not finished by then counts as interrupted.';
comment on column public.workflows.rejected_outputs is 'What models answered and validation refused: [{attempt, text}].';
comment on column public.workflows.events_if_interrupted is
    'The audit events to append should the process die: with all attempts so far, the one under way among them.';

-- Serves a person's list of past runs.
create index workflows_by_user on public.workflows (user_id, started_at desc);
-- Serves the search for runs that died; holds next to nothing.
create index workflows_running on public.workflows (deadline_at) where status = 'running';

alter table public.workflows enable row level security;
revoke all on public.workflows from public, anon, authenticated;
grant select on public.workflows to authenticated;

create policy own_workflows_or_admin on public.workflows
for select to authenticated
using (user_id = (select auth.uid()) or (select private.console_role()) = 'admin');


-- Closes every run whose deadline has passed: its process died. Returns how many.
create function private.close_overdue() returns integer
language plpgsql security definer
set search_path = ''
as $$
declare
    closed integer := 0;
    run record;
begin
    for run in
        select generation_id, deadline_at, events_if_interrupted
        from public.workflows
        where status = 'running' and deadline_at < now()
        order by generation_id
        for update skip locked
    loop
        update public.workflows
        set status = 'interrupted', finished_at = run.deadline_at
        where generation_id = run.generation_id;

        perform private.append_events((
            select coalesce(jsonb_agg(event || jsonb_build_object('timestamp', run.deadline_at)), '[]')
            from jsonb_array_elements(run.events_if_interrupted) as event
        ));
        closed := closed + 1;
    end loop;
    return closed;
end
$$;

revoke all on function private.close_overdue() from public, anon, authenticated;


-- The same for the orchestrator to call; answers {closed}.
create function public.close_interrupted_generations() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require_role('orchestrator');
    return jsonb_build_object('closed', private.close_overdue());
end
$$;

revoke all on function public.close_interrupted_generations() from public, anon;
grant execute on function public.close_interrupted_generations() to authenticated;


-- Notes that a run has started, before any model is asked. p_run is the JSON of a workflows row without its clock;
-- it is due p_limit_s seconds from now. A repeated call changes nothing.
create function public.start_generation(p_run text, p_limit_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require_role('orchestrator');
    perform private.close_overdue();

    insert into public.workflows (
        generation_id, user_id, actor_id, agent_id, origin, prompt, services, overridden, simulated,
        config_version, prompt_version, replaces_generation_id, deadline_at, events_if_interrupted
    )
    select
        run.generation_id, run.user_id, run.actor_id, run.agent_id, run.origin, run.prompt,
        coalesce(run.services, '{}'), coalesce(run.overridden, false), coalesce(run.simulated, false),
        run.config_version, run.prompt_version, run.replaces_generation_id,
        now() + p_limit_s * interval '1 second',
        coalesce(run.events_if_interrupted, '[]')
    from jsonb_populate_record(null::public.workflows, p_run::jsonb) as run
    on conflict (generation_id) do nothing;

    return '{}';
end
$$;

revoke all on function public.start_generation(text, integer) from public, anon;
grant execute on function public.start_generation(text, integer) to authenticated;


-- Notes what would have to be booked should the process die from here on.
create function public.note_progress(p_generation_id uuid, p_events_if_interrupted text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require_role('orchestrator');

    update public.workflows
    set events_if_interrupted = p_events_if_interrupted::jsonb
    where generation_id = p_generation_id and status = 'running';

    return '{}';
end
$$;

revoke all on function public.note_progress(uuid, text) from public, anon;
grant execute on function public.note_progress(uuid, text) to authenticated;


-- Books the outcome of a run: its row and all its audit events, in one transaction. p_outcome is
-- {status, generator_used, pilot_steps, findings, rejected_outputs, attempts, cost_usd, figures, finished_at, events}.
-- A repeated call changes nothing. A run that was closed as interrupted in the meantime keeps that outcome, since its
-- attempts are booked already, but takes the workflow: nothing counts twice and nothing that was paid for is lost.
-- Answers {status} as it now stands.
create function public.finish_generation(p_generation_id uuid, p_outcome text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    outcome jsonb := p_outcome::jsonb;
    status_before text;
begin
    perform private.require_role('orchestrator');

    select status into status_before
    from public.workflows
    where generation_id = p_generation_id
    for update;

    if status_before in ('running', 'interrupted') then
        update public.workflows
        set
            status = case status_before when 'running' then outcome ->> 'status' else status_before end,
            generator_used = outcome ->> 'generator_used',
            pilot_steps = nullif(outcome -> 'pilot_steps', 'null'),
            findings = coalesce(outcome -> 'findings', '[]'),
            rejected_outputs = coalesce(outcome -> 'rejected_outputs', '[]'),
            attempts = coalesce(outcome -> 'attempts', '[]'),
            cost_usd = (outcome ->> 'cost_usd')::numeric,
            figures = coalesce(outcome -> 'figures', '{}'),
            finished_at = (outcome ->> 'finished_at')::timestamptz,
            events_if_interrupted = '[]'
        where generation_id = p_generation_id;
    end if;

    if status_before is distinct from 'interrupted' then
        perform private.append_events(outcome -> 'events');
    end if;

    return jsonb_build_object('status', coalesce(nullif(status_before, 'running'), outcome ->> 'status'));
end
$$;

revoke all on function public.finish_generation(uuid, text) from public, anon;
grant execute on function public.finish_generation(uuid, text) to authenticated;


-- One run as its owner or an admin sees it, null when there is none; money as text, in the attempts too.
create function public.get_workflow(p_generation_id uuid) returns jsonb
language sql stable
set search_path = ''
as $$
    select to_jsonb(workflows) - 'events_if_interrupted' || jsonb_build_object(
        'cost_usd', workflows.cost_usd::text,
        'attempts', (
            select coalesce(jsonb_agg(
                attempt.value || jsonb_build_object('cost_usd', attempt.value ->> 'cost_usd') order by attempt.ordinality
            ), '[]')
            from jsonb_array_elements(workflows.attempts) with ordinality as attempt
        )
    )
    from public.workflows
    where workflows.generation_id = p_generation_id
$$;

revoke all on function public.get_workflow(uuid) from public, anon;
grant execute on function public.get_workflow(uuid) to authenticated;
