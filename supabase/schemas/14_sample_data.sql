-- Builds the events and workflows of the sample company, adds them slice by slice, and removes all of them.

-- Serves the removal of sample data.
create index audit_logs_sample on public.audit_logs (id) where details ->> 'sample' = 'true';


-- Returns the events of these generations: how they ended, their fallbacks, the runs of their agents, and their
-- ratings.
create function private.sample_events(
    p_until date, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_first integer, p_last integer
)
returns setof public.audit_logs
language sql stable
set search_path = ''
as $$
    with generations as (
        select
            generation.*, outcome.generator, outcome.attempts, outcome.cost_usd, outcome.wasted_usd, outcome.baseline_usd,
            outcome.duration_ms,
            at + outcome.duration_ms * interval '1 millisecond' as ended_at,
            private.sample_id(words) as generation_id,
            jsonb_strip_nulls(jsonb_build_object(
                'generation_id', private.sample_id(words),
                'origin', origin,
                'overridden', overridden,
                'config_version', config_version,
                'prompt_version', prompt_version,
                'simulated', true,
                'sample', true,
                'replaces_generation_id', replaces
            )) as circumstances
        from private.sample_generations(p_until, p_days, p_per_day, p_seed, p_day, p_first, p_last) as generation
        join private.sample_outcomes(p_until, p_days, p_per_day, p_seed, p_day, p_first, p_last) as outcome using (number)
    ),

    endings as (
        select
            words || '/end' as words,
            ended_at as at,
            case kind
                when 'completed' then 'WORKFLOW_GENERATED'
                when 'failed' then 'WORKFLOW_GENERATION_FAILED'
                else 'WORKFLOW_GENERATION_CANCELLED'
            end as action,
            case kind when 'failed' then 'critical' else 'info' end as severity,
            agent_id,
            circumstances || jsonb_build_object(
                'attempts', attempts,
                'unpriced_attempts', 0,
                'cost_usd', cost_usd,
                'wasted_cost_usd', wasted_usd,
                'baseline_cost_usd', baseline_usd
            ) || case kind
                when 'completed' then jsonb_build_object(
                    'generator_used', generator,
                    'api_model', attempts -> -1 -> 'api_model',
                    'steps_generated', steps,
                    'tokens_used', (attempts -> -1 -> 'tokens') - 'cached_input' - 'cache_write_input',
                    'generation_time_ms', duration_ms,
                    'validation_passed', true,
                    'savings_usd', baseline_usd - cost_usd,
                    'findings', jsonb_build_array(),
                    'services', services
                ) || case when reason is null then '{}' else jsonb_build_object('fallback_reason', reason) end
                when 'failed' then jsonb_build_object('generation_time_ms', duration_ms)
                else jsonb_build_object('cause', 'cancelled')
            end as details
        from generations
    ),

    fallbacks as (
        select
            words || '/fallback' as words,
            ended_at as at,
            'WORKFLOW_GENERATION_FALLBACK' as action,
            'warning' as severity,
            agent_id,
            circumstances || jsonb_build_object(
                'primary_model', primary_model,
                'fallback_model', fallback_model,
                'reason', reason,
                'detail', attempts -> 0 -> 'detail',
                'tokens_wasted', attempts -> 0 -> 'tokens' -> 'total',
                'wasted_cost_usd', attempts -> 0 -> 'cost_usd',
                'findings', (
                    select coalesce(jsonb_agg(jsonb_build_object('path', '$.pilot_steps[2]', 'code', code)), '[]')
                    from jsonb_array_elements(attempts -> 0 -> 'finding_codes') as code
                )
            ) as details
        from generations
        where reason is not null
    ),

    -- An agent runs two hours after its workflow was generated, and for every other workflow on the next day too.
    executions as (
        select
            words || '/run/' || run as words,
            ended_at + interval '2 hours' + (run - 1) * interval '22 hours' as at,
            case
                when generator = 'claude-sonnet-4' and number % 40 = 5 or generator <> 'claude-sonnet-4' and number % 22 = 5
                then 'AGENT_EXECUTION_FAILED'
                else 'AGENT_EXECUTION_COMPLETED'
            end as action,
            case
                when generator = 'claude-sonnet-4' and number % 40 = 5 or generator <> 'claude-sonnet-4' and number % 22 = 5
                then 'warning'
                else 'info'
            end as severity,
            agent_id,
            jsonb_build_object(
                'sample', true,
                'simulated', true,
                'duration_ms', 800 * steps + private.sample_chance(words || '/run/' || run, 4000)
            ) as details
        from generations
        cross join generate_series(1, 2) as run
        where kind = 'completed' and (run = 1 or number % 2 = 0)
    ),

    ratings as (
        select
            words || '/rating' as words,
            ended_at + interval '10 minutes' as at,
            'WORKFLOW_RATED' as action,
            'info' as severity,
            agent_id,
            jsonb_build_object(
                'sample', true,
                'simulated', true,
                'generation_id', generation_id,
                'score', case when number / 13 % case generator when 'claude-sonnet-4' then 20 else 12 end = 0 then 0 else 1 end
            ) as details
        from generations
        where kind = 'completed' and number % 13 = 4
    ),

    events as (
        select * from endings
        union all
        select * from fallbacks
        union all
        select * from executions
        union all
        select * from ratings
    )

    select event.*
    from events
    cross join lateral jsonb_populate_record(null::public.audit_logs, jsonb_build_object(
        'id', private.sample_id(words),
        'timestamp', at,
        'actor_id', 'platform@example.com',
        'action', action,
        'entity_type', 'agent',
        'entity_id', agent_id,
        'details', details,
        'severity', severity,
        'compliance_flags', case when action like 'WORKFLOW_GENERAT%' then array['SOC2'] else array[]::text[] end
    )) as event
    -- Events after the last day have not happened yet.
    where at < (p_until + 1)::timestamp at time zone 'UTC'
$$;

revoke all on function private.sample_events(date, integer, integer, integer, integer, integer, integer) from public, anon, authenticated;


-- Returns the changes of the system keys that the story makes on this day.
create function private.sample_changes(p_until date, p_days integer, p_per_day integer, p_day integer)
returns setof public.audit_logs
language sql stable
set search_path = ''
as $$
    with day as (
        select * from private.sample_day(p_until, p_days, p_per_day, p_day)
    ),

    story (on_day, version, actor, changes) as (
        values
            (0, 2, 'maya@example.com', '{
                "orchestrator_primary_model": {"before": "claude-sonnet-4", "after": "gpt-4o-mini"},
                "orchestrator_fallback_model": {"before": "gpt-4o-mini", "after": "claude-sonnet-4"}
            }'::jsonb),
            ((select release_day + 2 from day where release_day >= 0), 3, 'jonas@example.com', '{
                "orchestrator_primary_model": {"before": "gpt-4o-mini", "after": "claude-sonnet-4"},
                "orchestrator_fallback_model": {"before": "claude-sonnet-4", "after": "gpt-4o-mini"}
            }'),
            ((select release_day + 3 from day where release_day >= 0), 4, 'jonas@example.com', '{
                "orchestrator_primary_model": {"before": "claude-sonnet-4", "after": "gpt-4o-mini"},
                "orchestrator_fallback_model": {"before": "gpt-4o-mini", "after": "claude-sonnet-4"}
            }'),
            ((select luna_day from day where luna_day >= 0), 5, 'sam@example.com', '{
                "orchestrator_primary_model": {"before": "gpt-4o-mini", "after": "gpt-6-luna"}
            }'),
            ((select luna_day + 2 from day where luna_day >= 0), 6, 'maya@example.com', '{
                "orchestrator_primary_model": {"before": "gpt-6-luna", "after": "gpt-4o-mini"}
            }')
    )

    select event.*
    from story
    cross join day
    cross join lateral jsonb_populate_record(null::public.audit_logs, jsonb_build_object(
        'id', private.sample_id('change/' || day.date || '/' || story.version),
        'timestamp', (day.date + time '08:00') at time zone 'UTC',
        'actor_id', story.actor,
        'action', 'SYSTEM_CONFIG_UPDATED',
        'entity_type', 'system_config',
        'entity_id', 'orchestrator',
        'resource_name', 'Orchestrator settings',
        'severity', 'warning',
        'compliance_flags', array['SOC2'],
        'details', jsonb_build_object('version', story.version, 'sample', true),
        'changes', story.changes
    )) as event
    where story.on_day = p_day
$$;

revoke all on function private.sample_changes(date, integer, integer, integer) from public, anon, authenticated;


-- Returns what these generations were asked, what was answered and what was rejected: all whose first reply failed
-- validation, and about a hundred of each of the last two days.
create function private.sample_workflows(
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


-- Adds one slice of at most 1,000 generations of one day, for admins; returns {events, more}: how many events were new,
-- and whether the day has another slice. To add the whole sample, call it for all slices of all days, beginning with
-- slice 0 of day 0; each call is a transaction of its own.
-- p_until: the last day, in UTC.
create function public.add_sample_data(
    p_until text, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_slice integer
)
returns jsonb
language plpgsql security definer
set search_path = ''
set jit = off
-- A generic plan would join each row with all others.
set plan_cache_mode = force_custom_plan
as $$
declare
    until date := p_until::date;
    first integer := 1000 * p_slice;
    last integer := 1000 * p_slice + 999;
    day record;
    added integer;
begin
    perform private.require('change_sample_data');
    if p_days not between 1 and 3660 or p_per_day not between 1 and 1000000 or p_day not between 0 and p_days - 1 then
        raise exception using
            errcode = 'PT400',
            message = 'Sample data has 1 to 3,660 days and 1 to 1,000,000 generations a day.';
    end if;
    if p_day = 0 and p_slice = 0 and exists (select from public.audit_logs where details ->> 'sample' = 'true') then
        raise exception using errcode = 'PT409', message = 'There is sample data already; remove it first.';
    end if;
    select * into day from private.sample_day(until, p_days, p_per_day, p_day);

    insert into public.workflows
    select * from private.sample_workflows(until, p_days, p_per_day, p_seed, p_day, first, last)
    on conflict (generation_id) do nothing;

    insert into public.audit_logs
    select * from private.sample_events(until, p_days, p_per_day, p_seed, p_day, first, last)
    union all
    select * from private.sample_changes(until, p_days, p_per_day, p_day) where p_slice = 0
    on conflict (id) do nothing;
    get diagnostics added = row_count;
    return jsonb_build_object('events', added, 'more', last + 1 < day.generations);
end
$$;

revoke all on function public.add_sample_data(text, integer, integer, integer, integer, integer) from public, anon;
grant execute on function public.add_sample_data(text, integer, integer, integer, integer, integer) to authenticated;


-- Removes all sample data and its counts, and appends an event that says so; returns {removed}: how many events.
create function private.remove_sample_data() returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    removed integer;
begin
    delete from public.generation_rollups where source = 'sample';
    delete from public.latency_rollups where source = 'sample';
    delete from public.attempt_rollups where source = 'sample';
    delete from public.finding_rollups where source = 'sample';
    delete from public.verdict_rollups where source = 'sample';
    delete from public.workflows where sample;
    delete from public.audit_logs where details ->> 'sample' = 'true';
    get diagnostics removed = row_count;

    perform private.append_events(jsonb_build_array(jsonb_build_object(
        'id', gen_random_uuid(),
        'action', 'SAMPLE_DATA_REMOVED',
        'user_id', auth.uid(),
        'actor_id', coalesce(auth.uid()::text, session_user::text),
        'entity_type', 'audit_log',
        'details', jsonb_build_object('removed', removed)
    )));
    return jsonb_build_object('removed', removed);
end
$$;

revoke all on function private.remove_sample_data() from public, anon, authenticated;


-- Removes all sample data and its counts, for admins, and appends an event that says so; returns {removed}: how many
-- events.
create function public.remove_sample_data() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    answer jsonb;
begin
    perform private.require('change_sample_data');
    -- The lock keeps writers out: counts are deleted first and events last, so an event added in between would be
    -- deleted but keep its count.
    lock table public.audit_logs in share row exclusive mode;
    perform set_config('console.removes_sample', 'on', true);
    answer := private.remove_sample_data();
    perform set_config('console.removes_sample', 'off', true);
    return answer;
end
$$;

revoke all on function public.remove_sample_data() from public, anon;
grant execute on function public.remove_sample_data() to authenticated;


-- Returns {present}: whether there is any sample data.
create function public.has_sample_data() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_figures');
    return jsonb_build_object(
        'present', exists (select from public.audit_logs where details ->> 'sample' = 'true')
    );
end
$$;

revoke all on function public.has_sample_data() from public, anon;
grant execute on function public.has_sample_data() to authenticated;
