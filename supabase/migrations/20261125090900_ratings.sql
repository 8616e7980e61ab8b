-- A person's verdict on a workflow: once for each person and workflow, since the log is append-only.

-- Records that p_actor_id rated a workflow 1 (good) or 0 (bad). For the orchestrator, which vouches for who it was.
create function public.record_rating(p_generation_id uuid, p_actor_id uuid, p_score integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    run public.workflows;
begin
    perform private.require_role('orchestrator');
    if p_score not in (0, 1) then
        raise exception using errcode = 'PT400', message = 'A rating is 1 for good or 0 for bad.';
    end if;

    -- Held, so that two clicks at once are one rating.
    select * into run from public.workflows where generation_id = p_generation_id for update;
    if run.pilot_steps is null or not (run.user_id is not distinct from p_actor_id or exists (
        select from public.console_roles where user_id = p_actor_id and role = 'admin'
    )) then
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


-- One run as its owner or an admin sees it, null when there is none; money as text, in the attempts too; rating is the
-- caller's own, 1 or 0, null for none.
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
