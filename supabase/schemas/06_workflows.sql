-- One row per generation, from its start: what was requested and what came of it. Prompts, steps and rejected outputs
-- are stored only here, so that they can be erased without touching the audit log.

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
    sample boolean not null default false,
    config_version bigint,
    prompt_version integer,
    replaces_generation_id uuid,
    started_at timestamptz not null default now(),
    deadline_at timestamptz not null,
    finished_at timestamptz,
    events_if_interrupted jsonb not null default '[]',
    options jsonb not null default '{}',
    erased_at timestamptz,
    start_id uuid
);

comment on table public.workflows is 'One row per generation.';
comment on column public.workflows.cost_usd is 'Cost of all attempts together, in US dollars; null while running.';
comment on column public.workflows.figures is
    'Result figures beyond the attempts: api_model, generation_time_ms, fallback_reason; baseline and savings as text.';
comment on column public.workflows.options is
    'What was chosen for this generation only: {primary, fallback, fallback_enabled, forced_fault}; absent if it was not.';
comment on column public.workflows.start_id is
    'Which of several tries to start this generation it was: the withdrawal of another one does not end it.';
comment on column public.workflows.sample is 'Whether the row belongs to the sample data and is removed with it.';
comment on column public.workflows.deadline_at is 'A generation that has not finished by then counts as interrupted.';
comment on column public.workflows.rejected_outputs is 'Model replies that validation rejected: [{attempt, text}].';
comment on column public.workflows.events_if_interrupted is
    'The audit events to append if the process dies; they include all attempts so far and the one under way.';

-- Serves a user's list of past generations.
create index workflows_by_user on public.workflows (user_id, started_at desc);
-- Serves the search for overdue generations; holds next to nothing.
create index workflows_running on public.workflows (deadline_at) where status = 'running';
-- Serves the list of the latest generations, also when engineers see only their own, since the policy has to allow for
-- admins, who see all.
create index workflows_by_start on public.workflows (started_at desc, generation_id);
-- Serves the list of rejected outputs; holds the few generations that have any.
create index workflows_rejected on public.workflows (started_at desc) where rejected_outputs <> '[]';
-- Serves the removal of sample data.
create index workflows_sample on public.workflows (generation_id) where sample;

alter table public.workflows enable row level security;
revoke all on public.workflows from public, anon, authenticated;
grant select on public.workflows to authenticated;

create policy readable_workflows on public.workflows
for select to authenticated
using ((select private.readable_actor()) in ('*', actor_id, user_id::text));


-- Returns one generation as its owner or an admin sees it; null if there is none. Money is text, in the attempts too.
-- rating is the caller's own: 1 or 0, null for none.
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
        ),
        'rating', (
            select rating.details -> 'score'
            from public.audit_logs as rating
            where rating.action = 'WORKFLOW_RATED'
                and rating.details ->> 'generation_id' = p_generation_id::text
                and rating.user_id = (select auth.uid())
            limit 1
        )
    )
    from public.workflows
    where workflows.generation_id = p_generation_id
$$;

revoke all on function public.get_workflow(uuid) from public, anon;
grant execute on function public.get_workflow(uuid) to authenticated;


-- Returns the latest generations that the caller may see, running ones included, newest first: [{generation_id, prompt,
-- status, generator_used, cost_usd, steps, started_at, simulated}]. prompt is cut to 200 characters.
-- p_limit: how many at most, up to 10,000.
create function public.list_workflows(p_limit integer default 20) returns jsonb
language sql stable
set search_path = ''
as $$
    with found as (
        select
            workflows.generation_id,
            left(workflows.prompt, 200) as prompt,
            workflows.status,
            workflows.generator_used,
            workflows.cost_usd::text as cost_usd,
            jsonb_array_length(workflows.pilot_steps) as steps,
            workflows.started_at,
            workflows.simulated
        from public.workflows
        order by workflows.started_at desc, workflows.generation_id
        limit least(p_limit, 10000)
    )

    select coalesce(jsonb_agg(to_jsonb(found) order by found.started_at desc, found.generation_id), '[]')
    from found
$$;

revoke all on function public.list_workflows(integer) from public, anon;
grant execute on function public.list_workflows(integer) to authenticated;


-- Records that p_actor_id rated a workflow 1 (good) or 0 (bad); returns {}. For the orchestrator, which vouches for the
-- identity of p_actor_id.
create function public.record_rating(p_generation_id uuid, p_actor_id uuid, p_score integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    run public.workflows;
begin
    perform private.require('record');
    if p_score not in (0, 1) then
        raise exception using errcode = 'PT400', message = 'A rating is 1 for good or 0 for bad.';
    end if;

    -- Lock the row, so that two simultaneous clicks make one rating.
    select * into run from public.workflows where generation_id = p_generation_id for update;
    if run.pilot_steps is null
        or private.user_may(p_actor_id, 'generate') is not true
        or not (run.user_id is not distinct from p_actor_id or private.user_may(p_actor_id, 'read_all_workflows'))
    then
        raise exception using errcode = 'PT403', message = 'There is no such workflow, or it is not yours to rate.';
    end if;
    if exists (
        select from public.audit_logs
        where action = 'WORKFLOW_RATED'
            and details ->> 'generation_id' = p_generation_id::text
            and user_id = p_actor_id
    ) then
        raise exception using errcode = 'PT409', message = 'You have rated this workflow already; ratings are not changed.';
    end if;

    perform private.append_events(jsonb_build_array(jsonb_build_object(
        'id', gen_random_uuid(),
        'action', 'WORKFLOW_RATED',
        'user_id', p_actor_id,
        'actor_id', p_actor_id,
        'entity_type', 'agent',
        'entity_id', run.agent_id,
        'details', jsonb_build_object('generation_id', p_generation_id, 'score', p_score, 'simulated', run.simulated)
            || case when run.sample then '{"sample": true}'::jsonb else '{}' end
    )));
    return '{}';
end
$$;

revoke all on function public.record_rating(uuid, uuid, integer) from public, anon;
grant execute on function public.record_rating(uuid, uuid, integer) to authenticated;
