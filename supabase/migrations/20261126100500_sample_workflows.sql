-- Among the sample's latest runs are those that the first model answered.

-- What these generations were asked, what was answered and what was refused: of all whose first reply did not validate, and
-- of about a hundred of each of the last two days.
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
            'class', attempts -> 0 -> 'refused_for',
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
