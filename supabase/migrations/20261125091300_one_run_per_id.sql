-- An id starts one run: a second one would ask models again, and its events, of the same ids, would be passed over.

-- Notes that a run has started, before any model is asked. p_run is the JSON of a workflows row without its clock;
-- it is due p_limit_s seconds from now.
create or replace function public.start_generation(p_run text, p_limit_s integer) returns jsonb
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

    if not found then
        raise exception using
            errcode = 'PT409',
            message = 'There is a run with this id already; leave the id out or choose another one.';
    end if;
    return '{}';
end
$$;
