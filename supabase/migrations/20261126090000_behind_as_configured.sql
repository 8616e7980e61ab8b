-- The generations and agents behind a figure as configured are those that ran as configured: what somebody tried out
-- with models of its own is in neither.

-- Whether a generation's reason is the one that is asked for; `any` is any but none, `none` is none.
create or replace function private.has_reason(p_filters jsonb, p_reason text) returns boolean
language sql immutable
as $$
    select case p_filters ->> 'fallback_reason'
        when 'any' then p_reason is not null
        when 'none' then p_reason is null
        else coalesce(p_reason = p_filters ->> 'fallback_reason', p_filters ->> 'fallback_reason' is null)
    end
$$;

revoke all on function private.has_reason(jsonb, text) from public, anon, authenticated;


-- The latest ended generations from p_from to before p_to, newest first, at most p_limit.
--
-- p_filters: {source, origin} as for the figures; {outcome, primary_model, generator, fallback_reason, unreadable}, each
-- null for all, a model '' for the unknown one, fallback_reason `any` for those that fell back at all, `none` for the others; overridden, false for those alone
-- that ran as configured; {steps, services, latency_ms}_from and _to. Which slots hold such generations the rollups know,
-- and slots are looked through from the latest on until there are enough.
--
-- [{at, event_id, generation_id, agent_id, action, primary_model, generator, fallback_reason, cost_usd, wasted_usd,
-- latency_ms, steps, overridden, simulated, sample, problems, stored}]; stored: whether the run can be opened.
create or replace function public.list_generations(p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 50)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
as $$
begin
    perform private.require_role('admin');
    return (
        with slots as (
            select distinct slot
            from public.generation_rollups
            where grain = 15
                and slot >= date_bin('15 minutes', p_from, '2000-01-01 00:00:00+00')
                and slot < p_to
                and private.is_asked_for(p_filters, source, origin)
                and (p_filters ->> 'overridden' is null or overridden = (p_filters ->> 'overridden')::boolean)
                and (p_filters ->> 'outcome' is null or outcome = p_filters ->> 'outcome')
                and (p_filters ->> 'primary_model' is null or coalesce(primary_model, '') = p_filters ->> 'primary_model')
                and (p_filters ->> 'generator' is null or coalesce(generator, '') = p_filters ->> 'generator')
                and private.has_reason(p_filters, fallback_reason)
                and (p_filters ->> 'unreadable' is null or unreadable > 0)
            order by slot desc
        ),

        -- One slot after the other: no slot is read once there are enough.
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
                    and logged.timestamp >= greatest(slots.slot, p_from)
                    and logged.timestamp < least(slots.slot + interval '15 minutes', p_to)
                    and private.is_asked_for(p_filters, fact.source, fact.origin)
                    and (p_filters ->> 'overridden' is null or fact.overridden = (p_filters ->> 'overridden')::boolean)
                    and (p_filters ->> 'outcome' is null or fact.outcome = p_filters ->> 'outcome')
                    and (p_filters ->> 'primary_model' is null or coalesce(fact.primary_model, '') = p_filters ->> 'primary_model')
                    and (p_filters ->> 'generator' is null or coalesce(fact.generator, '') = p_filters ->> 'generator')
                    and private.has_reason(p_filters, fact.fallback_reason)
                    and (p_filters ->> 'unreadable' is null or fact.unreadable)
                    and private.is_within(p_filters, 'steps', fact.steps)
                    and private.is_within(p_filters, 'services', fact.services)
                    and private.is_within(p_filters, 'latency_ms', fact.latency_ms)
                order by logged.timestamp desc, logged.id
            ) as event
            limit p_limit
        )

        select coalesce(jsonb_agg(
            to_jsonb(listed) || jsonb_build_object('stored', run.generation_id is not null)
            order by listed.at desc, listed.event_id
        ), '[]')
        from listed
        left join public.workflows as run on run.generation_id = private.id_or_null(listed.generation_id)
    );
end
$$;

revoke all on function public.list_generations(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_generations(timestamptz, timestamptz, jsonb, integer) to authenticated;


-- Whether the event of a completed generation is asked for by source, origin, the model that was asked first, which is the
-- one that the figures count it for, and by whether its models were chosen for it alone.
create or replace function private.is_event_asked_for(p_filters jsonb, p_details jsonb) returns boolean
language sql stable
as $$
    select private.is_asked_for(
            p_filters,
            private.event_source(p_details ->> 'sample', p_details ->> 'simulated'),
            private.event_origin(p_details ->> 'origin')
        )
        and (
            p_filters ->> 'overridden' is null
            or coalesce(p_details ->> 'overridden' = 'true', false) = (p_filters ->> 'overridden')::boolean
        )
        and (
            p_filters ->> 'primary_model' is null
            or p_filters ->> 'primary_model' = (
                select coalesce(fact.primary_model, '')
                from private.generation_facts('WORKFLOW_GENERATED', null, p_details) as fact
            )
        )
$$;

revoke all on function private.is_event_asked_for(jsonb, jsonb) from public, anon, authenticated;
