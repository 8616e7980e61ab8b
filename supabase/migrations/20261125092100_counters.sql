-- What fills the counters of generations.

-- Adds the appended events about generations to their counters, in one statement: each event is read once, and an
-- insert that asks for the rows of the one before it comes after it.
create or replace function private.roll_up_generations() returns trigger
language plpgsql security definer
set search_path = ''
-- A plan made for each insert would take longer than the insert.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
    with facts as materialized (
        select
            date_bin('15 minutes', moment, '2000-01-01 00:00:00+00') as quarter,
            source, overridden, origin, outcome, primary_model, generator, fallback_reason,
            regenerated, unreadable, unpriced, cost_usd, wasted_usd, baseline_usd, latency_ms, steps, services, prompt_version,
            attempts,
            outcome = 'completed' and unpriced = 0 and cost_usd is not null and baseline_usd is not null as comparable
        from appended as event
        cross join lateral private.generation_facts(event.action, event.timestamp, event.details) as fact
    ),

    by_quarter as (
        select
            quarter, source, overridden, origin, outcome, primary_model, generator, fallback_reason,
            count(*) as generations,
            count(*) filter (where regenerated) as regenerated,
            count(*) filter (where unreadable) as unreadable,
            sum(unpriced) as unpriced,
            coalesce(sum(cost_usd), 0) as cost_usd,
            count(*) - count(cost_usd) as without_cost,
            coalesce(sum(wasted_usd), 0) as wasted_usd,
            count(*) - count(wasted_usd) as without_waste,
            count(*) filter (where comparable) as compared,
            coalesce(sum(baseline_usd) filter (where comparable), 0) as baseline_usd,
            coalesce(sum(cost_usd) filter (where comparable), 0) as compared_cost_usd,
            coalesce(sum(wasted_usd) filter (where comparable), 0) as compared_wasted_usd,
            count(latency_ms) as timed,
            coalesce(sum(latency_ms), 0) as latency_ms,
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
            ] as by_services
        from facts
        where outcome is not null
        group by quarter, source, overridden, origin, outcome, primary_model, generator, fallback_reason
    ),

    generations as (
        insert into public.generation_rollups as rollup (
            grain, slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason,
            generations, regenerated, unreadable, unpriced, cost_usd, without_cost, wasted_usd, without_waste, compared,
            baseline_usd, compared_cost_usd, compared_wasted_usd, timed, latency_ms, by_steps, by_services
        )
        select
            slot.grain, slot.slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason,
            sum(generations), sum(regenerated), sum(unreadable), sum(unpriced), sum(cost_usd), sum(without_cost),
            sum(wasted_usd), sum(without_waste), sum(compared), sum(baseline_usd), sum(compared_cost_usd), sum(compared_wasted_usd),
            sum(timed), sum(latency_ms),
            array[sum(by_steps[1]), sum(by_steps[2]), sum(by_steps[3]), sum(by_steps[4]), sum(by_steps[5])],
            array[sum(by_services[1]), sum(by_services[2]), sum(by_services[3]), sum(by_services[4]), sum(by_services[5])]
        from by_quarter
        cross join lateral private.slots(quarter) as slot
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

    latencies_by_quarter as (
        select
            quarter, source, overridden, origin, generator, private.latency_bucket(latency_ms) as bucket,
            count(*)::integer as generations
        from facts
        where outcome = 'completed' and latency_ms is not null
        group by quarter, source, overridden, origin, generator, bucket
    ),

    -- Few arrays to put in order, rather than many buckets.
    histograms_by_quarter as (
        select
            quarter, source, overridden, origin, generator, min(bucket) as first_bucket, max(bucket) as last_bucket,
            array_agg(bucket) as buckets, array_agg(generations) as counts
        from latencies_by_quarter
        group by quarter, source, overridden, origin, generator
    ),

    latencies as (
        insert into public.latency_rollups as rollup (
            grain, slot, source, overridden, origin, generator, first_bucket, counts
        )
        select
            slot.grain, slot.slot, source, overridden, origin, generator, min(first_bucket),
            private.dense(min(first_bucket), max(last_bucket), private.joined(buckets), private.joined(counts))
        from histograms_by_quarter
        cross join lateral private.slots(quarter) as slot
        where (select count(*) from generations) >= 0
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
            attempts -> generate_series(0, jsonb_array_length(attempts) - 1) as call
        from facts
    ),

    calls as materialized (
        select
            quarter, source, overridden, origin, prompt_version,
            private.label(model) as model,
            ending,
            case when refused_for in ('schema', 'semantic') then refused_for end as refused_for,
            private.amount(duration_ms, 86400000) as took_ms,
            finding_codes
        from (
            select
                quarter, source, overridden, origin, prompt_version,
                call -> 'model' as model,
                call ->> 'outcome' as ending,
                call ->> 'refused_for' as refused_for,
                call -> 'duration_ms' as duration_ms,
                call -> 'finding_codes' as finding_codes
            from listed
            offset 0
        ) as read
        where ending in ('succeeded', 'validation_failed', 'api_error', 'timeout', 'rate_limit')
    ),

    calls_by_quarter as (
        select
            quarter, source, overridden, origin, model, prompt_version, ending, refused_for,
            count(*) as attempts,
            count(took_ms) as timed,
            coalesce(sum(took_ms), 0) as duration_ms
        from calls
        group by quarter, source, overridden, origin, model, prompt_version, ending, refused_for
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

    insert into public.finding_rollups as rollup (grain, slot, source, overridden, origin, model, code, attempts)
    select slot.grain, slot.slot, source, overridden, origin, model, finding.code, count(*)
    from calls
    cross join lateral jsonb_array_elements_text(
        case when jsonb_typeof(finding_codes) = 'array' then finding_codes else '[]' end
    ) as finding (code)
    cross join lateral private.slots(quarter) as slot
    where ending = 'validation_failed'
        and finding.code ~ '^[a-z_]{1,40}$'
        and (select count(*) from attempts) >= 0
    group by slot.grain, slot.slot, source, overridden, origin, model, finding.code
    order by slot.grain, slot.slot, source, overridden, origin, model, finding.code
    on conflict (grain, slot, source, overridden, origin, model, code)
    do update set attempts = rollup.attempts + excluded.attempts;
    return null;
end
$$;

revoke all on function private.roll_up_generations() from public, anon, authenticated;

create or replace trigger roll_up_generations
after insert on public.audit_logs
referencing new table as appended
for each statement execute function private.roll_up_generations();

create or replace trigger roll_up_generations
after insert on private.replayed_events
referencing new table as appended
for each statement execute function private.roll_up_generations();

-- Rows from before the two columns that 20261125091600_counters.sql added are counted anew.
do $$
begin
    if exists (select from public.generation_rollups where without_cost is null)
        or exists (select from public.attempt_rollups where timed is null)
    then
        perform private.rebuild_rollups();
    end if;
end
$$;
alter table public.generation_rollups alter column without_cost set not null;
alter table public.attempt_rollups alter column timed set not null;
