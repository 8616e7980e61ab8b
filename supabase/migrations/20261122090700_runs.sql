-- Past runs for people: listed and searched.

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
