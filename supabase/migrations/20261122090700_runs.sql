-- Past runs for people: found again by their id, listed, searched.

alter table public.workflows add column figures jsonb not null default '{}';

comment on column public.workflows.figures is
    'What the result said beyond the attempts: api_model, generation_time_ms, fallback_reason; baseline and savings as text.';


-- As before, and it keeps the outcome's figures.
create or replace function public.finish_generation(p_generation_id uuid, p_outcome text) returns jsonb
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
create or replace function public.get_workflow(p_generation_id uuid) returns jsonb
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


-- The latest runs that the caller may see, newest first, at most p_limit; those whose prompt, agent or id contains
-- p_search. [{generation_id, prompt, status, generator_used, cost_usd, steps, started_at, simulated}]
create function public.list_workflows(p_search text default '', p_limit integer default 20) returns jsonb
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
        where p_search = ''
            or position(lower(p_search) in lower(workflows.prompt)) > 0
            or position(lower(p_search) in lower(coalesce(workflows.agent_id, ''))) > 0
            or position(lower(p_search) in workflows.generation_id::text) > 0
        order by workflows.started_at desc, workflows.generation_id
        limit p_limit
    )

    select coalesce(jsonb_agg(to_jsonb(found) order by found.started_at desc, found.generation_id), '[]')
    from found
$$;

revoke all on function public.list_workflows(text, integer) from public, anon;
grant execute on function public.list_workflows(text, integer) to authenticated;
