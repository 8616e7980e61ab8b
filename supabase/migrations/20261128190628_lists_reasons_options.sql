alter table public.workflows add column options jsonb not null default '{}';
comment on column public.workflows.options is
    'What was chosen for this generation only: {primary, fallback, fallback_enabled, forced_fault}; absent if it was not.';


drop function public.list_workflows(text,integer);


-- Returns the latest generations that the caller may see, running ones included, newest first: [{generation_id, prompt,
-- status, generator_used, cost_usd, steps, started_at, simulated}]. prompt is cut to 200 characters.
-- p_limit: how many at most, up to 10,000.
create or replace function public.list_workflows(p_limit integer default 20) returns jsonb
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


-- Records the start of a generation, before any model is asked; returns {}. Overdue generations are closed first.
-- p_generation: the JSON of a workflows row without its timestamps.
-- p_limit_s: the deadline, in seconds from now.
create or replace function public.start_generation(p_generation text, p_limit_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    generation public.workflows;
begin
    perform private.require_role('orchestrator');
    perform private.refuse_unless(octet_length(p_generation) <= 1000000, 'This generation is too large to record.');
    perform private.refuse_unless(p_limit_s between 0 and 86400, 'The deadline of a generation is at most a day away.');
    perform private.close_overdue();

    generation := jsonb_populate_record(null::public.workflows, p_generation::jsonb);
    generation.started_at := now();
    insert into public.workflows (
        generation_id, user_id, actor_id, agent_id, origin, prompt, services, overridden, simulated,
        config_version, prompt_version, replaces_generation_id, started_at, deadline_at, events_if_interrupted, options
    )
    values (
        generation.generation_id, generation.user_id, generation.actor_id, generation.agent_id, generation.origin, generation.prompt,
        coalesce(generation.services, '{}'), coalesce(generation.overridden, false), coalesce(generation.simulated, false),
        generation.config_version, generation.prompt_version, generation.replaces_generation_id, generation.started_at,
        generation.started_at + p_limit_s * interval '1 second',
        private.checked_events(generation, coalesce(generation.events_if_interrupted, '[]')),
        coalesce(generation.options, '{}')
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


-- Returns whether a generation matches the filters that its rollups know: source, origin, overridden, status,
-- primary_model, generator, fallback_reason and unreadable, each null for any. The model '' is the unknown one.
create or replace function private.generation_matches_filters(
    p_filters jsonb, p_source text, p_origin text, p_overridden boolean, p_status text, p_primary_model text,
    p_generator text, p_reason text, p_unreadable boolean
)
returns boolean
language sql immutable
as $$
    select private.matches_filters(p_filters, p_source, p_origin, p_overridden)
        and (p_filters ->> 'status' is null or p_status = p_filters ->> 'status')
        and (p_filters ->> 'primary_model' is null or coalesce(p_primary_model, '') = p_filters ->> 'primary_model')
        and (p_filters ->> 'generator' is null or coalesce(p_generator, '') = p_filters ->> 'generator')
        and private.has_reason(p_filters, p_reason)
        and (p_filters ->> 'unreadable' is null or p_unreadable)
$$;

revoke all on function private.generation_matches_filters(
    jsonb, text, text, boolean, text, text, text, text, boolean
) from public, anon, authenticated;


-- Returns the saves of the system keys from three days before the first bound to the last bound, at most the latest
-- 200: [{at, by, changes, version, reason, sample}].
create or replace function private.changes_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with saves as (
            select
                event.timestamp as at,
                coalesce(users.email, event.actor_id) as by,
                shown.changes,
                trunc(private.amount(event.details -> 'version', 1e9))::bigint as version,
                event.details ->> 'reason' as reason,
                event.details ->> 'sample' is not distinct from 'true' as sample
            from public.audit_logs as event
            left join auth.users as users on users.id::text = event.actor_id
            -- Only the system keys, in an earlier system's events too: other keys may be secrets.
            cross join lateral (
                select jsonb_object_agg(change.key, change.value) as changes
                from jsonb_each(case when jsonb_typeof(event.changes) = 'object' then event.changes end) as change
                where change.key like 'orchestrator\_%'
            ) as shown
            where event.action = 'SYSTEM_CONFIG_UPDATED'
                and event.timestamp >= (p_bounds ->> 0)::timestamptz - interval '3 days'
                and event.timestamp < (p_bounds ->> -1)::timestamptz
                and shown.changes is not null
                and (p_filters ->> 'source' is distinct from 'real' or event.details ->> 'sample' is distinct from 'true')
            order by event.timestamp desc
            limit 200
        )

        select coalesce(json_agg(saves order by at), '[]') from saves
    );
end
$$;

revoke all on function private.changes_between(jsonb, jsonb) from public, anon, authenticated;


-- Returns whether a generation's prompt, agent or id contains the first 200 characters of a text, ignoring case.
create or replace function private.mentions(p_text text, p_agent_id text, p_generation_id uuid) returns boolean
language sql stable
set search_path = ''
as $$
    select position(lower(left(p_text, 200)) in lower(coalesce(p_agent_id, ''))) > 0
        or coalesce(position(lower(left(p_text, 200)) in p_generation_id::text) > 0, false)
        or exists (
            select from public.workflows
            where generation_id = p_generation_id and position(lower(left(p_text, 200)) in lower(prompt)) > 0
        )
$$;

revoke all on function private.mentions(text, text, uuid) from public, anon, authenticated;


-- Returns the latest ended generations from p_from to before p_to, newest first, at most p_limit.
--
-- p_filters: {source, origin} as for the figures; {status, primary_model, generator, fallback_reason, unreadable,
-- overridden, agent_id, search}, each null for all; {steps, services, latency_ms, cost_usd}_from and _to; before_at and
-- before_id, the last generation of the page before. The model '' is the unknown one. The fallback_reason `any` matches
-- generations with a fallback, `none` those without. overridden false matches only generations without overrides or a
-- forced fault. search matches what the prompt, the agent or the id contains.
-- The rollups tell which slots hold such generations; slots are read from the latest on until there are enough.
--
-- [{at, event_id, generation_id, agent_id, action, primary_model, generator, fallback_reason, cost_usd, wasted_usd,
-- latency_ms, steps, overridden, simulated, sample, problems, prompt}]; prompt: its first 200 characters; null for a
-- generation that is not stored here and so cannot be opened.
create or replace function public.list_generations(p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 50)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
as $$
begin
    perform private.require_role('admin');
    perform private.refuse_large(p_filters, p_limit);
    return (
        with agent_slots as (
            select date_bin('15 minutes', timestamp, '2000-01-01 00:00:00+00') as slot
            from public.audit_logs
            where action = 'WORKFLOW_GENERATED'
                and entity_id = p_filters ->> 'agent_id'
                and timestamp >= p_from
                and timestamp < p_to
            union all
            select date_bin('15 minutes', timestamp, '2000-01-01 00:00:00+00')
            from public.audit_logs
            where action in ('WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED')
                and entity_id = p_filters ->> 'agent_id'
                and timestamp >= p_from
                and timestamp < p_to
        ),

        slots as (
            select distinct slot
            from public.generation_rollups
            where grain = 15
                and slot >= date_bin('15 minutes', p_from, '2000-01-01 00:00:00+00')
                and slot < p_to
                and private.generation_matches_filters(
                    p_filters, source, origin, overridden, status, primary_model, generator, fallback_reason, unreadable > 0
                )
                and (p_filters ->> 'before_at' is null or slot <= (p_filters ->> 'before_at')::timestamptz)
                and (p_filters ->> 'agent_id' is null or slot in (select slot from agent_slots))
            order by slot desc
        ),

        -- Slot by slot: no further slot is read once there are enough generations.
        listed as (
            select event.*
            from slots
            cross join lateral (
                select
                    logged.timestamp as at,
                    logged.id as event_id,
                    logged.details ->> 'generation_id' as generation_id,
                    logged.entity_id as agent_id,
                    logged.action,
                    fact.primary_model,
                    fact.generator,
                    fact.fallback_reason,
                    fact.cost_usd::text as cost_usd,
                    fact.wasted_usd::text as wasted_usd,
                    fact.latency_ms::text as latency_ms,
                    fact.steps,
                    fact.overridden,
                    fact.source <> 'real' as simulated,
                    fact.source = 'sample' as sample,
                    fact.problems
                from public.audit_logs as logged
                cross join lateral private.generation_facts(logged.action, logged.timestamp, logged.details) as fact
                where logged.action in (
                        'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED'
                    )
                    and not private.is_superseded(logged.id, logged.action, logged.details)
                    and logged.timestamp >= greatest(slots.slot, p_from)
                    and logged.timestamp < least(slots.slot + interval '15 minutes', p_to)
                    and (p_filters ->> 'agent_id' is null or logged.entity_id = p_filters ->> 'agent_id')
                    and (
                        p_filters ->> 'before_at' is null
                        or logged.timestamp < (p_filters ->> 'before_at')::timestamptz
                        or logged.timestamp = (p_filters ->> 'before_at')::timestamptz
                            and logged.id > (p_filters ->> 'before_id')::uuid
                    )
                    and (
                        p_filters ->> 'search' is null
                        or private.mentions(
                            p_filters ->> 'search', logged.entity_id, private.uuid_or_null(logged.details ->> 'generation_id')
                        )
                    )
                    and private.generation_matches_filters(
                        p_filters, fact.source, fact.origin, fact.overridden, fact.status, fact.primary_model,
                        fact.generator, fact.fallback_reason, fact.unreadable
                    )
                    and private.is_in_range(p_filters, 'steps', fact.steps)
                    and private.is_in_range(p_filters, 'services', fact.services)
                    and private.is_in_range(p_filters, 'latency_ms', fact.latency_ms)
                    and private.is_in_range(p_filters, 'cost_usd', fact.cost_usd)
                order by logged.timestamp desc, logged.id
            ) as event
            limit p_limit
        )

        select coalesce(jsonb_agg(
            to_jsonb(listed) || jsonb_build_object('prompt', left(run.prompt, 200))
            order by listed.at desc, listed.event_id
        ), '[]')
        from listed
        left join public.workflows as run on run.generation_id = private.uuid_or_null(listed.generation_id)
    );
end
$$;

revoke all on function public.list_generations(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_generations(timestamptz, timestamptz, jsonb, integer) to authenticated;


-- Returns what these generations were asked, what was answered and what was rejected: all whose first reply failed
-- validation, and about a hundred of each of the last two days.
create or replace function private.sample_workflows(
    p_until date, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_first integer, p_last integer
)
returns setof public.workflows
language sql stable
set search_path = ''
as $$
    with texts (number, prompt, services, operations) as (
        values
            (0, 'When an invoice arrives by mail, read the amount and the due date, book it in Xero, and ask the owner on Slack to approve it if it is over 500 dollars.',
                array['Gmail', 'Xero', 'Slack'],
                array['Read the new mail', 'Extract the amount and the due date', 'Is it over 500 dollars?', 'Ask the owner to approve it', 'Book the invoice', 'Tell the team', 'File the mail']),
            (1, 'Every morning collect the open Zendesk tickets, sort them by urgency, and post a summary to the support channel.',
                array['Zendesk', 'Slack'],
                array['Collect the open tickets', 'Sort them by urgency', 'Write a summary', 'Post it to the channel', 'Tag the urgent ones', 'Note who is on duty', 'Close the report']),
            (2, 'If a deal in HubSpot has not moved for two weeks, draft a follow-up mail and create a task for its owner.',
                array['HubSpot', 'Gmail'],
                array['Find deals without movement', 'Has it been two weeks?', 'Draft a follow-up mail', 'Create a task for the owner', 'Log the activity', 'Update the deal', 'Report the number of deals']),
            (3, 'Watch the orders in Shopify; when stock falls below ten, reorder from the supplier and update the sheet.',
                array['Shopify', 'Google Sheets', 'Gmail'],
                array['Read the latest orders', 'Is stock below ten?', 'Write to the supplier', 'Update the sheet', 'Check the price', 'Confirm the delivery day', 'Tell purchasing'])
    ),

    kept as (
        select
            generation.*, outcome.generator, outcome.attempts, outcome.cost_usd, outcome.baseline_usd, outcome.duration_ms,
            texts.prompt, texts.services as service_names, texts.operations,
            case when reason = 'validation_failed' then attempts -> 0 ->> 'detail' end as code
        from private.sample_generations(p_until, p_days, p_per_day, p_seed, p_day, p_first, p_last) as generation
        join private.sample_outcomes(p_until, p_days, p_per_day, p_seed, p_day, p_first, p_last) as outcome using (number)
        join texts on texts.number = generation.number % 4
        where reason = 'validation_failed'
            or p_day >= p_days - 2 and generation.number % greatest(p_per_day / 100, 1) = 0
    ),

    answered as (
        select kept.*, (
            select jsonb_agg(jsonb_build_object(
                'id', 'step_' || place,
                'operation', operations[1 + (place - 1) % 7],
                'step_type', case
                    when operations[1 + (place - 1) % 7] like '%?' then 'conditional'
                    when place % 3 = 1 then 'api_call'
                    else 'transform'
                end,
                'service', case when place % 3 = 1 then service_names[1 + place % cardinality(service_names)] end,
                'depends_on', case place when 1 then '[]' else jsonb_build_array('step_' || place - 1) end
            ) order by place)
            from generate_series(1, steps) as place
        ) as answer
        from kept
    )

    select run.*
    from answered
    cross join lateral jsonb_populate_record(null::public.workflows, jsonb_build_object(
        'generation_id', private.sample_id(words),
        'actor_id', 'platform@example.com',
        'agent_id', agent_id,
        'origin', origin,
        'status', case kind when 'completed' then 'succeeded' else kind end,
        'prompt', prompt,
        'services', service_names,
        'pilot_steps', case kind when 'completed' then answer end,
        'findings', case when code is null then '[]' else jsonb_build_array(jsonb_build_object(
            'attempt', 0,
            'path', case when code in ('reply_truncated', 'not_json') then '$' else '$.pilot_steps[2]' end,
            'code', code,
            'class', attempts -> 0 -> 'rejected_for',
            'severity', 'error',
            'message', case code
                when 'step_type_unknown' then 'The step_type is not one of llm_decision, transform, conditional, api_call.'
                when 'step_unknown' then 'It refers to ''step_99'', which is no step of this workflow.'
                when 'id_not_unique' then 'The id ''step_1'' is used twice.'
                when 'operation_missing' then 'The step has no operation with text in it.'
                when 'cycle' then 'The step waits for itself: its references form a circle.'
                when 'not_json' then 'The answer is not JSON.'
                else 'The answer was cut off at the model''s length limit.'
            end
        )) end,
        'rejected_outputs', case when code is null then '[]' else jsonb_build_array(jsonb_build_object(
            'attempt', 0,
            'text', case code
                when 'not_json' then 'Sure! Here is the workflow you asked for: first, read the data ...'
                when 'reply_truncated' then left(jsonb_build_object('pilot_steps', answer)::text, 400)
                else jsonb_pretty(jsonb_build_object('pilot_steps', jsonb_set(answer, '{2}', answer -> 2 || case code
                    when 'step_type_unknown' then '{"step_type": "loop"}'::jsonb
                    when 'step_unknown' then '{"depends_on": ["step_99"]}'
                    when 'id_not_unique' then '{"id": "step_1"}'
                    when 'operation_missing' then '{"operation": ""}'
                    else '{"depends_on": ["step_3"]}'
                end)))
            end
        )) end,
        'attempts', attempts,
        'generator_used', generator,
        'cost_usd', cost_usd,
        'figures', jsonb_build_object(
            'api_model', attempts -> -1 -> 'api_model',
            'generation_time_ms', duration_ms,
            'fallback_reason', reason,
            'baseline_cost_usd', baseline_usd::text,
            'savings_usd', (baseline_usd - cost_usd)::text
        ),
        'overridden', overridden,
        'options', case when overridden then jsonb_build_object('primary', attempts -> 0 -> 'model') else '{}' end,
        'simulated', true,
        'sample', true,
        'config_version', config_version,
        'prompt_version', prompt_version,
        'replaces_generation_id', replaces,
        'started_at', at,
        'deadline_at', at + interval '2 minutes',
        'finished_at', at + duration_ms * interval '1 millisecond',
        'events_if_interrupted', jsonb_build_array()
    )) as run
$$;

revoke all on function private.sample_workflows(date, integer, integer, integer, integer, integer, integer) from public, anon, authenticated;
