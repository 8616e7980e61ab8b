-- What fills the counters of generations, with less to carry from step to step: what is read of an event goes into one
-- grouping, the lists of attempts too, and is not kept for a second look.

-- How often each value from p_first to p_last is there.
create or replace function private.histogram(p_first integer, p_last integer, p_values integer[]) returns integer[]
language plpgsql immutable
set search_path = ''
as $$
declare
    counts integer[] := array_fill(0, array[p_last - p_first + 1], array[p_first]);
    value integer;
begin
    foreach value in array p_values loop
        counts[value] := counts[value] + 1;
    end loop;
    -- A slice counts from 1 on.
    return counts[:];
end
$$;

-- Adds the appended events about generations to their counters. Each event is read once, by one statement, in which an
-- insert that asks for the rows of the one before it comes after it.
create or replace function private.roll_up_generations() returns trigger
language plpgsql security definer
set search_path = ''
-- A plan made for each insert would take longer than the insert.
set plan_cache_mode = force_generic_plan
set jit = off
-- Its estimates know nothing of the events to come: rather hashed for one of them than sorted for a thousand.
set enable_sort = off
as $$
declare
    rejections jsonb;
begin
    with facts as (
        select
            date_bin('15 minutes', moment, '2000-01-01 00:00:00+00') as quarter,
            source, overridden, origin, outcome, first_model_said, generator_said, reason_said, prompt_version_said,
            unpriced_said, regenerated, unreadable, cost_usd, wasted_usd, baseline_usd, latency_ms, steps, services, attempts,
            case when latency_ms is not null then private.latency_bucket(latency_ms) end as bucket,
            outcome = 'completed' and cost_usd is not null and baseline_usd is not null as comparable
        from appended as event
        cross join lateral private.generation_measures(event.action, event.timestamp, event.details) as measured
        -- Or each use of a measure would take it again.
        offset 0
    ),

    by_quarter as materialized (
        select
            quarter, source, overridden, origin, outcome,
            comparable and private.unpriced(unpriced_said) = 0 as comparable,
            private.label(first_model_said) as primary_model,
            private.label(generator_said) as generator,
            private.fallback_reason(reason_said) as fallback_reason,
            private.prompt_version(prompt_version_said) as prompt_version,
            count(*) as generations,
            count(*) filter (where regenerated) as regenerated,
            count(*) filter (where unreadable) as unreadable,
            count(*) * private.unpriced(unpriced_said) as unpriced,
            coalesce(sum(cost_usd), 0) as cost_usd,
            count(*) - count(cost_usd) as without_cost,
            coalesce(sum(wasted_usd), 0) as wasted_usd,
            count(*) - count(wasted_usd) as without_waste,
            coalesce(sum(baseline_usd), 0) as baseline_usd,
            count(latency_ms) as timed,
            coalesce(sum(latency_ms), 0) as latency_ms,
            min(bucket) as first_bucket,
            max(bucket) as last_bucket,
            array_agg(bucket) filter (where bucket is not null) as buckets,
            array[
                count(*) filter (where steps <= 3),
                count(*) filter (where steps between 4 and 6),
                count(*) filter (where steps between 7 and 10),
                count(*) filter (where steps between 11 and 20),
                count(*) filter (where steps > 20)
            ] as by_steps,
            array[
                count(*) filter (where services = 0),
                count(*) filter (where services = 1),
                count(*) filter (where services = 2),
                count(*) filter (where services = 3),
                count(*) filter (where services > 3)
            ] as by_services,
            array_agg(attempts) filter (where attempts is not null) as attempt_lists
        from facts
        group by
            quarter, source, overridden, origin, outcome, comparable, first_model_said, generator_said, reason_said,
            prompt_version_said, unpriced_said
    ),

    generations as (
        insert into public.generation_rollups as rollup (
            grain, slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason,
            generations, regenerated, unreadable, unpriced, cost_usd, without_cost, wasted_usd, without_waste, compared,
            baseline_usd, compared_cost_usd, compared_wasted_usd, timed, latency_ms, by_steps, by_services
        )
        select
            slot.grain, slot.slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason,
            sum(generations), sum(regenerated),
            sum(case when private.is_nameless(outcome, generator) then generations else unreadable end),
            sum(unpriced), sum(cost_usd), sum(without_cost), sum(wasted_usd), sum(without_waste),
            coalesce(sum(generations) filter (where comparable), 0), coalesce(sum(baseline_usd) filter (where comparable), 0),
            coalesce(sum(cost_usd) filter (where comparable), 0), coalesce(sum(wasted_usd) filter (where comparable), 0),
            sum(timed), sum(latency_ms),
            array[sum(by_steps[1]), sum(by_steps[2]), sum(by_steps[3]), sum(by_steps[4]), sum(by_steps[5])],
            array[sum(by_services[1]), sum(by_services[2]), sum(by_services[3]), sum(by_services[4]), sum(by_services[5])]
        from by_quarter
        cross join lateral private.slots(quarter) as slot
        where outcome is not null
        group by slot.grain, slot.slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason
        order by slot.grain, slot.slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason
        on conflict (grain, slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason)
        do update set
            generations = rollup.generations + excluded.generations,
            regenerated = rollup.regenerated + excluded.regenerated,
            unreadable = rollup.unreadable + excluded.unreadable,
            unpriced = rollup.unpriced + excluded.unpriced,
            cost_usd = rollup.cost_usd + excluded.cost_usd,
            without_cost = rollup.without_cost + excluded.without_cost,
            wasted_usd = rollup.wasted_usd + excluded.wasted_usd,
            without_waste = rollup.without_waste + excluded.without_waste,
            compared = rollup.compared + excluded.compared,
            baseline_usd = rollup.baseline_usd + excluded.baseline_usd,
            compared_cost_usd = rollup.compared_cost_usd + excluded.compared_cost_usd,
            compared_wasted_usd = rollup.compared_wasted_usd + excluded.compared_wasted_usd,
            timed = rollup.timed + excluded.timed,
            latency_ms = rollup.latency_ms + excluded.latency_ms,
            by_steps = private.add_five(rollup.by_steps, excluded.by_steps),
            by_services = private.add_five(rollup.by_services, excluded.by_services)
        returning 1
    ),

    latencies as (
        insert into public.latency_rollups as rollup (
            grain, slot, source, overridden, origin, generator, first_bucket, counts
        )
        select
            slot.grain, slot.slot, source, overridden, origin, generator, min(first_bucket),
            private.histogram(min(first_bucket), max(last_bucket), private.joined(buckets))
        from by_quarter
        cross join lateral private.slots(quarter) as slot
        where outcome = 'completed'
            and buckets is not null
            and (select count(*) from generations) >= 0
        group by slot.grain, slot.slot, source, overridden, origin, generator
        order by slot.grain, slot.slot, source, overridden, origin, generator
        on conflict (grain, slot, source, overridden, origin, generator)
        do update set
            first_bucket = least(rollup.first_bucket, excluded.first_bucket),
            counts = private.add_counts(rollup.first_bucket, rollup.counts, excluded.first_bucket, excluded.counts)
        returning 1
    ),

    -- One by one, which costs half of a set made for each event.
    listed as (
        select
            quarter, source, overridden, origin, prompt_version,
            list -> generate_series(0, jsonb_array_length(list) - 1) as call
        from by_quarter
        cross join lateral unnest(attempt_lists) as list
    ),

    calls as (
        select
            quarter, source, overridden, origin, prompt_version,
            call ->> 'model' as model_said,
            call ->> 'outcome' as ending,
            call ->> 'refused_for' as refused_for_said,
            call -> 'duration_ms' as duration_ms,
            call
        from listed
        offset 0
    ),

    timed_calls as (
        select
            *,
            private.amount(duration_ms, 86400000) as took_ms,
            case when ending = 'validation_failed' then call -> 'finding_codes' end as finding_codes
        from calls
        -- Read once, not once for each of the two sums.
        offset 0
    ),

    calls_by_quarter as (
        select
            quarter, source, overridden, origin, prompt_version,
            private.label(model_said) as model,
            ending,
            case when refused_for_said in ('schema', 'semantic') then refused_for_said end as refused_for,
            count(*) as attempts,
            count(took_ms) as timed,
            coalesce(sum(took_ms), 0) as duration_ms,
            jsonb_agg(finding_codes) filter (where ending = 'validation_failed') as findings
        from timed_calls
        where ending in ('succeeded', 'validation_failed', 'api_error', 'timeout', 'rate_limit')
        group by quarter, source, overridden, origin, prompt_version, model_said, ending, refused_for_said
    ),

    attempts as (
        insert into public.attempt_rollups as rollup (
            grain, slot, source, overridden, origin, model, prompt_version, outcome, refused_for,
            attempts, timed, duration_ms
        )
        select
            slot.grain, slot.slot, source, overridden, origin, model, prompt_version, ending, refused_for,
            sum(attempts), sum(timed), sum(duration_ms)
        from calls_by_quarter
        cross join lateral private.slots(quarter) as slot
        where (select count(*) from latencies) >= 0
        group by slot.grain, slot.slot, source, overridden, origin, model, prompt_version, ending, refused_for
        order by slot.grain, slot.slot, source, overridden, origin, model, prompt_version, ending, refused_for
        on conflict (grain, slot, source, overridden, origin, model, prompt_version, outcome, refused_for)
        do update set
            attempts = rollup.attempts + excluded.attempts,
            timed = rollup.timed + excluded.timed,
            duration_ms = rollup.duration_ms + excluded.duration_ms
        returning 1
    )

    select jsonb_agg(to_jsonb(rejected)) into rejections
    from calls_by_quarter as rejected
    where findings is not null
        and (select count(*) from attempts) >= 0;

    -- In a statement of its own, as most appends have none: preparing it costs as much as two events.
    if rejections is not null then
        insert into public.finding_rollups as rollup (grain, slot, source, overridden, origin, model, code, attempts)
        select slot.grain, slot.slot, source, overridden, origin, model, finding.code, count(*)
        from jsonb_to_recordset(rejections)
            as rejected (quarter timestamptz, source text, overridden boolean, origin text, model text, findings jsonb)
        cross join lateral jsonb_array_elements(findings) as found (codes)
        -- A rule that a reply broke twice refused it once.
        cross join lateral (
            select distinct code
            from jsonb_array_elements_text(case when jsonb_typeof(found.codes) = 'array' then found.codes else '[]' end) as code
        ) as finding
        cross join lateral private.slots(quarter) as slot
        where finding.code ~ '^[a-z_]{1,40}$'
        group by slot.grain, slot.slot, source, overridden, origin, model, finding.code
        order by slot.grain, slot.slot, source, overridden, origin, model, finding.code
        on conflict (grain, slot, source, overridden, origin, model, code)
        do update set attempts = rollup.attempts + excluded.attempts;
    end if;
    return null;
end
$$;
