-- The figures of all reports, a function for each part. As JSON's text, which takes two thirds of the time that its binary
-- form takes to be put together; and buckets by their number, as only who shows one needs the latency that it stands for.

drop function public.get_figures(jsonb, jsonb, jsonb);
drop function private.generations_between(jsonb, jsonb);
drop function private.latencies_between(jsonb, jsonb);
drop function private.attempts_between(jsonb, jsonb);
drop function private.findings_between(jsonb, jsonb);
drop function private.verdicts_between(jsonb, jsonb);
drop function private.changes_between(jsonb, jsonb);
drop function private.bucket_latency(integer);

-- The sums of ended generations.
create function private.generations_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with sums as (
            select
                bin, overridden, outcome, primary_model, generator, fallback_reason,
                sum(generations) as generations,
                sum(regenerated) as regenerated,
                sum(unreadable) as unreadable,
                sum(unpriced) as unpriced,
                sum(cost_usd)::text as cost_usd,
                sum(without_cost) as without_cost,
                sum(wasted_usd)::text as wasted_usd,
                sum(without_waste) as without_waste,
                sum(compared) as compared,
                sum(baseline_usd)::text as baseline_usd,
                sum(compared_cost_usd)::text as compared_cost_usd,
                sum(compared_wasted_usd)::text as compared_wasted_usd,
                sum(timed) as timed,
                sum(latency_ms)::text as latency_ms,
                array[sum(by_steps[1]), sum(by_steps[2]), sum(by_steps[3]), sum(by_steps[4]), sum(by_steps[5])] as by_steps,
                array[
                    sum(by_services[1]), sum(by_services[2]), sum(by_services[3]), sum(by_services[4]), sum(by_services[5])
                ] as by_services
            from private.spans(p_bounds) as span
            cross join lateral (
                select *
                from public.generation_rollups as rollup
                where rollup.grain = span.grain and rollup.slot >= span.begins and rollup.slot < span.ends
                offset 0
            ) as rollup
            where private.is_asked_for(p_filters, source, origin)
            group by bin, overridden, outcome, primary_model, generator, fallback_reason
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

-- How many completed generations took how long: their buckets (private.latency_bucket), in no order, and how many are in
-- each.
create function private.latencies_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with histograms_by_slot as (
            select bin, generator, first_bucket, counts
            from private.spans(p_bounds) as span
            cross join lateral (
                select *
                from public.latency_rollups as rollup
                where rollup.grain = span.grain and rollup.slot >= span.begins and rollup.slot < span.ends
                offset 0
            ) as rollup
            where private.is_asked_for(p_filters, source, origin)
        ),

        counted as (
            select bin, generator, first_bucket - 1 + generate_subscripts(counts, 1) as bucket, unnest(counts) as count
            from histograms_by_slot
        ),

        sums as (
            select bin, generator, bucket, sum(count) as count
            from counted
            where count > 0
            group by bin, generator, bucket
        ),

        histograms as (
            select bin, generator, json_agg(bucket) as buckets, json_agg(count) as counts
            from sums
            group by bin, generator
        )

        select coalesce(json_agg(histograms), '[]') from histograms
    );
end
$$;

-- The sums of model calls.
create function private.attempts_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with sums as (
            select
                bin, overridden, model, prompt_version, outcome, refused_for,
                sum(attempts) as attempts,
                sum(timed) as timed,
                sum(duration_ms)::text as duration_ms
            from private.spans(p_bounds) as span
            cross join lateral (
                select *
                from public.attempt_rollups as rollup
                where rollup.grain = span.grain and rollup.slot >= span.begins and rollup.slot < span.ends
                offset 0
            ) as rollup
            where private.is_asked_for(p_filters, source, origin)
            group by bin, overridden, model, prompt_version, outcome, refused_for
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

-- How many replies each finding refused.
create function private.findings_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with sums as (
            select bin, model, code, sum(attempts) as attempts
            from private.spans(p_bounds) as span
            cross join lateral (
                select *
                from public.finding_rollups as rollup
                where rollup.grain = span.grain and rollup.slot >= span.begins and rollup.slot < span.ends
                offset 0
            ) as rollup
            where private.is_asked_for(p_filters, source, origin)
            group by bin, model, code
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

-- The sums of agent runs and ratings.
create function private.verdicts_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with sums as (
            select
                bin, overridden, kind, generator,
                sum(total) as total, sum(good) as good, sum(unreadable) as unreadable
            from private.spans(p_bounds) as span
            cross join lateral (
                select *
                from public.verdict_rollups as rollup
                where rollup.grain = span.grain and rollup.slot >= span.begins and rollup.slot < span.ends
                offset 0
            ) as rollup
            where private.is_asked_for(p_filters, source, origin)
            group by bin, overridden, kind, generator
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

-- The saves of the system keys from three days before the first bound to the last, the latest 200: {at, by, changes, version,
-- sample}.
create function private.changes_between(p_bounds jsonb, p_filters jsonb) returns json
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
                event.details ->> 'sample' is not distinct from 'true' as sample
            from public.audit_logs as event
            left join auth.users as users on users.id::text = event.actor_id
            -- Of an earlier system's events too, the system keys alone: others may be secrets.
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

revoke all on function
    private.generations_between(jsonb, jsonb),
    private.latencies_between(jsonb, jsonb),
    private.attempts_between(jsonb, jsonb),
    private.findings_between(jsonb, jsonb),
    private.verdicts_between(jsonb, jsonb),
    private.changes_between(jsonb, jsonb)
from public, anon, authenticated;


-- The sums of one report, for everybody in the console.
--
-- p_bounds: see private.spans. p_filters: {source: all | real | simulated (sample data included), origin: all for null,
-- elsewhere for events that do not say}. p_parts: which of the keys below are wanted.
--
-- Answers undated, the generations of no period, and each part as an array, [] if it is not wanted. Items but those of changes
-- have the bin they belong to; money and milliseconds are text.
create function public.get_figures(p_bounds jsonb, p_filters jsonb, p_parts jsonb) returns json
language plpgsql stable security definer
set search_path = ''
-- Compiling a plan takes longer than running it.
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
    unasked constant json := '[]';
begin
    perform private.require_role('admin', 'member', 'orchestrator');
    return (
        select json_build_object(
            'undated', coalesce(sum(generations), 0),
            'generations', case when p_parts ? 'generations' then private.generations_between(p_bounds, p_filters) else unasked end,
            'latencies', case when p_parts ? 'latencies' then private.latencies_between(p_bounds, p_filters) else unasked end,
            'attempts', case when p_parts ? 'attempts' then private.attempts_between(p_bounds, p_filters) else unasked end,
            'findings', case when p_parts ? 'findings' then private.findings_between(p_bounds, p_filters) else unasked end,
            'verdicts', case when p_parts ? 'verdicts' then private.verdicts_between(p_bounds, p_filters) else unasked end,
            'changes', case when p_parts ? 'changes' then private.changes_between(p_bounds, p_filters) else unasked end
        )
        from public.generation_rollups
        where grain = 15 and slot is null
    );
end
$$;

revoke all on function public.get_figures(jsonb, jsonb, jsonb) from public, anon;
grant execute on function public.get_figures(jsonb, jsonb, jsonb) to authenticated;
