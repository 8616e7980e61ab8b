-- Sums of the rollups over the days of a period, for reports. Rates and percentiles are computed by the caller.


-- Returns the slots that make up each bin, as spans of one grain: large slots inside the bin, small ones at its ends.
-- p_bounds: n + 1 moments in ascending order, each at a quarter of an hour; bin i goes from moment i to moment i + 1.
create function private.spans(p_bounds jsonb)
returns table (bin integer, grain smallint, begins timestamptz, ends timestamptz)
language sql immutable
set search_path = ''
rows 100
as $$
    with bounds as (
        select
            place::integer - 1 as bin,
            moment::timestamptz as begins,
            lead(moment::timestamptz) over (order by place) as ends
        from jsonb_array_elements_text(p_bounds) with ordinality as bound (moment, place)
    ),

    -- Hourly slots lie between h1 and h2, and among them six-hour slots between s1 and s2; both ends are equal if there
    -- are none.
    edges as (
        select bin, begins, ends, h1, h2, s1, s2
        from bounds
        cross join lateral (
            select least(date_bin('1 hour', begins + interval '45 minutes', '2000-01-01 00:00:00+00'), ends) as h1
        ) as first_hour
        cross join lateral (
            select greatest(date_bin('1 hour', ends, '2000-01-01 00:00:00+00'), h1) as h2
        ) as last_hour
        cross join lateral (
            select least(date_bin('6 hours', h1 + interval '5 hours', '2000-01-01 00:00:00+00'), h2) as s1
        ) as first_six
        cross join lateral (
            select greatest(date_bin('6 hours', h2, '2000-01-01 00:00:00+00'), s1) as s2
        ) as last_six
        where ends is not null
    )

    select edges.bin, span.grain::smallint, span.begins, span.ends
    from edges
    cross join lateral (
        values (15, edges.begins, h1), (60, h1, s1), (360, s1, s2), (60, s2, h2), (15, h2, edges.ends)
    ) as span (grain, begins, ends)
    where span.begins < span.ends
$$;

revoke all on function private.spans(jsonb) from public, anon, authenticated;


-- Returns whether what generations, attempts and verdicts have in common matches the filters source, origin and
-- overridden. Every figure and every list asks here.
create function private.matches_filters(p_filters jsonb, p_source text, p_origin text, p_overridden boolean) returns boolean
language sql immutable
as $$
    select
        case p_filters ->> 'source'
            when 'real' then p_source = 'real'
            when 'simulated' then p_source <> 'real'
            else true
        end
        and case
            when p_filters ->> 'origin' is null then true
            when p_filters ->> 'origin' = 'elsewhere' then p_origin is null
            else p_origin is not distinct from p_filters ->> 'origin'
        end
        and (p_filters ->> 'overridden' is null or p_overridden = (p_filters ->> 'overridden')::boolean)
$$;

revoke all on function private.matches_filters(jsonb, text, text, boolean) from public, anon, authenticated;


-- Returns whether a fallback reason matches the filter: `any` matches every reason, `none` matches no reason.
create function private.has_reason(p_filters jsonb, p_reason text) returns boolean
language sql immutable
as $$
    select case p_filters ->> 'fallback_reason'
        when 'any' then p_reason is not null
        when 'none' then p_reason is null
        else coalesce(p_reason = p_filters ->> 'fallback_reason', p_filters ->> 'fallback_reason' is null)
    end
$$;

revoke all on function private.has_reason(jsonb, text) from public, anon, authenticated;


-- Returns whether a generation matches the filters that its rollups know: source, origin, overridden, status,
-- primary_model, generator, fallback_reason and unreadable, each null for any. The model '' is the unknown one.
create function private.generation_matches_filters(
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


-- Returns whether a number lies within the filter {<name>_from, <name>_to}, both inclusive; a null bound is open.
create function private.is_in_range(p_filters jsonb, p_name text, p_value numeric) returns boolean
language sql immutable
as $$
    select (p_filters ->> (p_name || '_from') is null or p_value >= (p_filters ->> (p_name || '_from'))::numeric)
        and (p_filters ->> (p_name || '_to') is null or p_value <= (p_filters ->> (p_name || '_to'))::numeric)
$$;

revoke all on function private.is_in_range(jsonb, text, numeric) from public, anon, authenticated;


-- Returns whether the event of a completed generation matches the filters source, origin, overridden and primary_model.
-- primary_model is the model that was asked first, for which the figures count the generation; '' is an unknown one.
create function private.event_matches_filters(p_filters jsonb, p_details jsonb) returns boolean
language sql stable
as $$
    select private.matches_filters(
            p_filters,
            private.event_source(p_details ->> 'sample', p_details ->> 'simulated'),
            private.event_origin(p_details ->> 'origin'),
            private.is_left_out(p_details ->> 'overridden', p_details ->> 'forced_fault')
        )
        and (
            p_filters ->> 'primary_model' is null
            or p_filters ->> 'primary_model' = (
                select coalesce(fact.primary_model, '')
                from private.generation_facts('WORKFLOW_GENERATED', null, p_details) as fact
            )
        )
$$;

revoke all on function private.event_matches_filters(jsonb, jsonb) from public, anon, authenticated;


-- Returns the sums of ended generations.
create function private.generations_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with sums as (
            select
                bin, overridden, status, primary_model, generator, fallback_reason,
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
            where private.matches_filters(p_filters, source, origin, overridden)
            group by bin, overridden, status, primary_model, generator, fallback_reason
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

revoke all on function private.generations_between(jsonb, jsonb) from public, anon, authenticated;


-- Returns how long completed generations took: the buckets (private.latency_bucket), in no order, and how many
-- generations are in each.
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
            where private.matches_filters(p_filters, source, origin, overridden)
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

revoke all on function private.latencies_between(jsonb, jsonb) from public, anon, authenticated;


-- Returns the sums of model calls.
create function private.attempts_between(p_bounds jsonb, p_filters jsonb) returns json
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with sums as (
            select
                bin, overridden, model, prompt_version, outcome, rejected_for,
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
            where private.matches_filters(p_filters, source, origin, overridden)
            group by bin, overridden, model, prompt_version, outcome, rejected_for
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

revoke all on function private.attempts_between(jsonb, jsonb) from public, anon, authenticated;


-- Returns how many replies were rejected because of each finding.
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
            where private.matches_filters(p_filters, source, origin, overridden)
            group by bin, model, code
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

revoke all on function private.findings_between(jsonb, jsonb) from public, anon, authenticated;


-- Returns the sums of agent runs and ratings.
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
            where private.matches_filters(p_filters, source, origin, overridden)
            group by bin, overridden, kind, generator
        )

        select coalesce(json_agg(sums), '[]') from sums
    );
end
$$;

revoke all on function private.verdicts_between(jsonb, jsonb) from public, anon, authenticated;


-- Returns the saves of the system keys from three days before the first bound to the last bound, at most the latest
-- 200: [{at, by, changes, version, reason, sample}].
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


-- Returns the sums of one report, for everyone with a console role.
--
-- p_bounds: see private.spans. p_filters: {source: all | real | simulated (including sample data), origin: null for
-- all, elsewhere for events that do not say}. p_parts: which of the parts generations, latencies, attempts, findings,
-- verdicts and changes are requested.
--
-- The result has `undated`, the number of generations that belong to no period, and each part as an array, [] if it is
-- not requested. Items, except those of changes, have the bin they belong to; money and milliseconds are text.
create function public.get_figures(p_bounds jsonb, p_filters jsonb, p_parts jsonb) returns json
language plpgsql stable security definer
set search_path = ''
-- JIT-compiling a plan takes longer than running it.
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
    unasked constant json := '[]';
begin
    perform private.require('read_figures');
    perform private.refuse_large(p_filters, 1);
    perform private.refuse_unless(
        jsonb_typeof(p_bounds) = 'array' and jsonb_array_length(p_bounds) between 2 and 4000,
        'A period is at most ten years long.'
    );
    perform private.refuse_unless(pg_column_size(p_parts) <= 1000, 'These are not parts of a report.');
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
