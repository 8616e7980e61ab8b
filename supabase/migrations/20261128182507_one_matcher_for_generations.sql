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


-- Returns the latest ended generations from p_from to before p_to, newest first, at most p_limit.
--
-- p_filters: {source, origin} as for the figures; {status, primary_model, generator, fallback_reason, unreadable,
-- overridden, agent_id}, each null for all; {steps, services, latency_ms, cost_usd}_from and _to; before_at and
-- before_id, the last generation of the page before. The model '' is the unknown one. The fallback_reason `any` matches
-- generations with a fallback, `none` those without. overridden false matches only generations without overrides or a
-- forced fault.
-- The rollups tell which slots hold such generations; slots are read from the latest on until there are enough.
--
-- [{at, event_id, generation_id, agent_id, action, primary_model, generator, fallback_reason, cost_usd, wasted_usd,
-- latency_ms, steps, overridden, simulated, sample, problems, stored}]; stored: whether the generation can be opened.
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
            to_jsonb(listed) || jsonb_build_object('stored', run.generation_id is not null)
            order by listed.at desc, listed.event_id
        ), '[]')
        from listed
        left join public.workflows as run on run.generation_id = private.uuid_or_null(listed.generation_id)
    );
end
$$;

revoke all on function public.list_generations(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_generations(timestamptz, timestamptz, jsonb, integer) to authenticated;
