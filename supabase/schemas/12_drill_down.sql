-- Lists of the individual generations, agents and rejected replies behind a figure.

-- Serves the list of agents with the most fallbacks.
create index audit_logs_fallbacks on public.audit_logs (timestamp desc) include (entity_id)
where action = 'WORKFLOW_GENERATED' and details ->> 'fallback_reason' is not null;


-- Returns whether a generation's agent, id or, if the caller may read it, prompt contains the first 200 characters of a
-- text, ignoring case.
create function private.mentions(p_text text, p_agent_id text, p_generation_id uuid) returns boolean
language sql stable
set search_path = ''
as $$
    select position(lower(left(p_text, 200)) in lower(coalesce(p_agent_id, ''))) > 0
        or coalesce(position(lower(left(p_text, 200)) in p_generation_id::text) > 0, false)
        or exists (
            select from public.workflows
            where generation_id = p_generation_id
                and private.readable_actor() in ('*', actor_id, user_id::text)
                and position(lower(left(p_text, 200)) in lower(prompt)) > 0
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
-- latency_ms, steps, overridden, simulated, sample, problems, prompt}]; prompt: its first 200 characters, '' if it was
-- erased; null for a generation that is not stored here or that the caller may not open. Whoever may not read the audit
-- log learns only their own agents' ids.
create function public.list_generations(p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 50)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
as $$
declare
    reads_all boolean := private.may('read_audit_log');
begin
    perform private.require('read_figures');
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
                    case when named.shown then logged.entity_id end as agent_id,
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
                cross join lateral (select reads_all or logged.user_id = auth.uid() as shown) as named
                where logged.action in (
                        'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED'
                    )
                    and not private.is_superseded(logged.id, logged.action, logged.details)
                    and logged.timestamp >= greatest(slots.slot, p_from)
                    and logged.timestamp < least(slots.slot + interval '15 minutes', p_to)
                    and (
                        p_filters ->> 'agent_id' is null
                        or (logged.entity_id = p_filters ->> 'agent_id' and named.shown)
                    )
                    and (
                        p_filters ->> 'before_at' is null
                        or logged.timestamp < (p_filters ->> 'before_at')::timestamptz
                        or logged.timestamp = (p_filters ->> 'before_at')::timestamptz
                            and logged.id > (p_filters ->> 'before_id')::uuid
                    )
                    and (
                        p_filters ->> 'search' is null
                        or private.mentions(
                            p_filters ->> 'search', case when named.shown then logged.entity_id end,
                            private.uuid_or_null(logged.details ->> 'generation_id')
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
        left join public.workflows as run
            on run.generation_id = private.uuid_or_null(listed.generation_id)
            and private.readable_actor() in ('*', run.actor_id, run.user_id::text)
    );
end
$$;

revoke all on function public.list_generations(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_generations(timestamptz, timestamptz, jsonb, integer) to authenticated;


-- Returns the agents with the most fallbacks among the latest p_latest matching fallbacks of a period, at most p_limit
-- agents: {fallbacks: how many were looked at, agents: [{agent_id, fallbacks, generations}]}.
-- p_filters: {source, origin, overridden, primary_model} as above.
-- generations: how many matching generations the agent completed in the period. Whoever may not read the
-- audit log sees only agents that they generated for.
create function public.list_agents_with_fallbacks(
    p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 10, p_latest integer default 5000
)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
as $$
begin
    perform private.require('read_figures');
    perform private.refuse_large(p_filters, p_limit);
    perform private.refuse_unless(p_latest between 1 and 100000, 'The list looks at 1 to 100,000 fallbacks.');
    return (
        with latest as (
            select entity_id, user_id
            from public.audit_logs
            where action = 'WORKFLOW_GENERATED'
                and details ->> 'fallback_reason' is not null
                and timestamp >= p_from
                and timestamp < p_to
                and private.event_matches_filters(p_filters, details)
            order by timestamp desc
            limit p_latest
        ),

        agents as (
            select entity_id as agent_id, count(*) as fallbacks
            from latest
            where entity_id is not null and (private.may('read_audit_log') or user_id = auth.uid())
            group by entity_id
            order by fallbacks desc, entity_id
            limit p_limit
        ),

        counted as (
            select agents.agent_id, agents.fallbacks, (
                select count(*)
                from public.audit_logs as generation
                where generation.action = 'WORKFLOW_GENERATED'
                    and generation.entity_id = agents.agent_id
                    and generation.timestamp >= p_from
                    and generation.timestamp < p_to
                    and private.event_matches_filters(p_filters, generation.details)
            ) as generations
            from agents
        )

        select jsonb_build_object(
            'fallbacks', (select count(*) from latest),
            'agents', coalesce(jsonb_agg(to_jsonb(counted) order by fallbacks desc, agent_id), '[]')
        )
        from counted
    );
end
$$;

revoke all on function public.list_agents_with_fallbacks(timestamptz, timestamptz, jsonb, integer, integer) from public, anon;
grant execute on function public.list_agents_with_fallbacks(timestamptz, timestamptz, jsonb, integer, integer) to authenticated;


-- Returns the latest rejected replies of generations that started from p_from to before p_to, newest first, at most
-- p_limit.
-- p_filters: {source, origin, overridden} as for the figures, and {model, code}, each null for any. They are matched
-- here because callers of this function may call no private one.
-- [{generation_id, at, agent_id, model, codes, findings, text, prompt}]; findings: why the reply was rejected, [{path,
-- code, message}]; text: its first 4,000 characters; prompt: its first 200.
create function public.list_rejected_outputs(
    p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 20
)
returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
    -- Like private.refuse_large, which only its owner may call, but with a lower limit.
    if pg_column_size(p_filters) > 10000 or p_limit not between 1 and 10000 then
        raise exception using errcode = 'PT400', message = 'These filters are too large, or too many rows are asked for.';
    end if;
    return (
        with rejected as (
            select
                generation.generation_id,
                generation.started_at as at,
                generation.agent_id,
                generation.attempts -> (output.value ->> 'attempt')::integer ->> 'model' as model,
                generation.attempts -> (output.value ->> 'attempt')::integer -> 'finding_codes' as codes,
                (
                    select coalesce(jsonb_agg(finding.value order by finding.ordinality), '[]')
                    from jsonb_array_elements(generation.findings) with ordinality as finding
                    where finding.value -> 'attempt' = output.value -> 'attempt' and finding.value ->> 'severity' = 'error'
                ) as findings,
                left(output.value ->> 'text', 4000) as text,
                left(generation.prompt, 200) as prompt
            from public.workflows as generation
            cross join lateral jsonb_array_elements(generation.rejected_outputs) as output
            where generation.rejected_outputs <> '[]'
                and generation.started_at >= p_from
                and generation.started_at < p_to
                and case p_filters ->> 'source'
                    when 'real' then not generation.simulated
                    when 'simulated' then generation.simulated
                    else true
                end
                and (p_filters ->> 'origin' is null or generation.origin = p_filters ->> 'origin')
                and (p_filters ->> 'overridden' is null or generation.overridden = (p_filters ->> 'overridden')::boolean)
        ),

        listed as (
            select *
            from rejected
            where (p_filters ->> 'model' is null or model = p_filters ->> 'model')
                and (p_filters ->> 'code' is null or codes ? (p_filters ->> 'code'))
            order by at desc, generation_id
            limit p_limit
        )

        select coalesce(jsonb_agg(to_jsonb(listed) order by listed.at desc, listed.generation_id), '[]')
        from listed
    );
end
$$;

revoke all on function public.list_rejected_outputs(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_rejected_outputs(timestamptz, timestamptz, jsonb, integer) to authenticated;
