-- The sample as events of the audit log, with the same fields as real ones.

-- The events of these generations: how they ended, their fallbacks, the runs of their agents, and their ratings.
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

    -- An agent runs two hours after its workflow was made, and every other one on the next day too.
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
    -- What an agent did after the last day has not happened yet.
    where at < (p_until + 1)::timestamp at time zone 'UTC'
$$;


-- The changes of the system keys that the story tells, on the day that they were made.
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
