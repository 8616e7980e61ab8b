-- Counters beside the audit log, so that reading a figure costs the same at ten rows and at ten million. They are
-- updated in the transaction that appends the event, so figures never lag behind the log.
--
-- A slot is a span of 15 minutes, 1 hour or 6 hours (its grain) that begins at a whole multiple of its grain in UTC.
-- Days in every time zone begin at a quarter of an hour, so every period consists of a few large slots and, at its
-- ends, some small ones. Events whose time no calendar can hold have a null slot: they belong to no period but are
-- still counted.
--
-- Writers contend for the rows of the current slot. All of them take their locks in the same order, table by table and
-- key by key, so that they wait for each other and never deadlock. This requires each transaction to make one append,
-- not several.

create table public.generation_rollups (
    grain smallint not null check (grain in (15, 60, 360)),
    slot timestamptz,
    source text not null,
    overridden boolean not null,
    origin text,
    status text not null,
    primary_model text,
    generator text,
    fallback_reason text,
    generations bigint not null,
    regenerated bigint not null,
    unreadable bigint not null,
    unpriced bigint not null,
    cost_usd numeric not null,
    without_cost bigint not null,
    wasted_usd numeric not null,
    without_waste bigint not null,
    compared bigint not null,
    baseline_usd numeric not null,
    compared_cost_usd numeric not null,
    compared_wasted_usd numeric not null,
    timed bigint not null,
    latency_ms numeric not null,
    by_steps bigint[] not null,
    by_services bigint[] not null,
    unique nulls not distinct (
        grain, slot, source, overridden, origin, status, primary_model, generator, fallback_reason
    )
);

comment on table public.generation_rollups is
    'One row per slot and kind of ended generation: how many there are, and their sums.';
comment on column public.generation_rollups.grain is 'Length of the slot in minutes.';
comment on column public.generation_rollups.source is 'real, simulated or sample.';
comment on column public.generation_rollups.unpriced is 'Attempts without a known price; cost_usd leaves them out.';
comment on column public.generation_rollups.without_cost is
    'Generations whose cost is unknown; cost_usd leaves them out.';
comment on column public.generation_rollups.without_waste is
    'Generations whose waste is unknown; wasted_usd leaves them out.';
comment on column public.generation_rollups.compared is
    'The generations in savings: completed, fully known cost, known baseline. The next three columns are their sums.';
comment on column public.generation_rollups.timed is 'Generations with a known latency; latency_ms is their sum.';
comment on column public.generation_rollups.by_steps is
    'How many have 1-3, 4-6, 7-10, 11-20 and more steps; those with an unknown number are left out.';
comment on column public.generation_rollups.by_services is 'How many have 0, 1, 2, 3 and more services connected.';

create table public.latency_rollups (
    grain smallint not null check (grain in (15, 60, 360)),
    slot timestamptz,
    source text not null,
    overridden boolean not null,
    origin text,
    generator text,
    first_bucket integer not null,
    counts integer[] not null,
    unique nulls not distinct (grain, slot, source, overridden, origin, generator)
);

comment on table public.latency_rollups is 'One row per slot and generator: how long completed generations took.';
comment on column public.latency_rollups.counts is 'How many fell into first_bucket, the bucket after it, and so on.';

create table public.attempt_rollups (
    grain smallint not null check (grain in (15, 60, 360)),
    slot timestamptz,
    source text not null,
    overridden boolean not null,
    origin text,
    model text,
    prompt_version integer,
    outcome text not null,
    rejected_for text,
    attempts bigint not null,
    timed bigint not null,
    duration_ms numeric not null,
    unique nulls not distinct (grain, slot, source, overridden, origin, model, prompt_version, outcome, rejected_for)
);

comment on table public.attempt_rollups is
    'One row per slot, model and outcome of the model calls that count in rates.';
comment on column public.attempt_rollups.timed is 'Attempts with a known duration; duration_ms is their sum.';

create table public.finding_rollups (
    grain smallint not null check (grain in (15, 60, 360)),
    slot timestamptz,
    source text not null,
    overridden boolean not null,
    origin text,
    model text,
    code text not null,
    attempts bigint not null,
    unique nulls not distinct (grain, slot, source, overridden, origin, model, code)
);

comment on table public.finding_rollups is
    'One row per slot, model and finding: how many of the model''s replies were rejected because of it.';

alter table public.generation_rollups enable row level security;
alter table public.latency_rollups enable row level security;
alter table public.attempt_rollups enable row level security;
alter table public.finding_rollups enable row level security;
revoke all on public.generation_rollups, public.latency_rollups, public.attempt_rollups, public.finding_rollups
from public, anon, authenticated;

-- Leave room on each page for the next versions of the current slot's rows.
alter table public.generation_rollups set (fillfactor = 70);
alter table public.latency_rollups set (fillfactor = 70);
alter table public.attempt_rollups set (fillfactor = 70);
alter table public.finding_rollups set (fillfactor = 70);

-- Concatenates arrays.
create aggregate private.joined(integer[]) (sfunc = array_cat, stype = integer[]);

revoke all on function private.joined(integer[]) from public, anon, authenticated;


-- Returns the slots that a moment falls into, one per grain; slot is null for a null moment.
create function private.slots(at timestamptz) returns table (grain smallint, slot timestamptz)
language sql immutable
as $$
    values
        (15::smallint, date_bin('15 minutes', at, '2000-01-01 00:00:00+00')),
        (60::smallint, date_bin('1 hour', at, '2000-01-01 00:00:00+00')),
        (360::smallint, date_bin('6 hours', at, '2000-01-01 00:00:00+00'))
$$;

revoke all on function private.slots(timestamptz) from public, anon, authenticated;


-- Returns the bucket of a latency in milliseconds. Bucket n, from 1 on, ends at 1.036^(n-1) ms, as in DDSketch with a
-- relative error of 1.77 %; bucket 0 holds latencies below 1 ms.
create function private.latency_bucket(ms numeric) returns integer
language sql immutable
as $$
    select case when ms >= 1 then 1 + ceil(ln(ms::float8) / ln(1.036::float8))::integer else 0 end
$$;

revoke all on function private.latency_bucket(numeric) from public, anon, authenticated;


-- Returns the sum of two arrays of counts. p_first and q_first are the values that the arrays' first elements count;
-- the result begins at the lesser of the two.
create function private.add_counts(p_first integer, p_counts integer[], q_first integer, q_counts integer[])
returns integer[]
language plpgsql immutable
set search_path = ''
as $$
declare
    shift_p integer := greatest(p_first - q_first, 0);
    shift_q integer := greatest(q_first - p_first, 0);
    total integer[] := p_counts;
begin
    -- Usually no resizing is needed: all values to add are already within the range of the array.
    if shift_p > 0 or shift_q + cardinality(q_counts) > cardinality(p_counts) then
        total := array_fill(0, array[greatest(shift_p + cardinality(p_counts), shift_q + cardinality(q_counts))]);
        for place in 1 .. cardinality(p_counts) loop
            total[shift_p + place] := p_counts[place];
        end loop;
    end if;
    for place in 1 .. cardinality(q_counts) loop
        if q_counts[place] <> 0 then
            total[shift_q + place] := total[shift_q + place] + q_counts[place];
        end if;
    end loop;
    return total;
end
$$;

revoke all on function private.add_counts(integer, integer[], integer, integer[]) from public, anon, authenticated;


-- Returns the element-wise sum of two arrays of five.
create function private.add_five(p bigint[], q bigint[]) returns bigint[]
language sql immutable
as $$
    select array[p[1] + q[1], p[2] + q[2], p[3] + q[3], p[4] + q[4], p[5] + q[5]]
$$;

revoke all on function private.add_five(bigint[], bigint[]) from public, anon, authenticated;


-- Returns how often each value from p_first to p_last occurs.
create function private.histogram(p_first integer, p_last integer, p_values integer[]) returns integer[]
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
    -- Slicing makes the subscripts start at 1.
    return counts[:];
end
$$;

revoke all on function private.histogram(integer, integer, integer[]) from public, anon, authenticated;


-- Trigger function that adds the appended generation events to their counters. Each event is read once, by one
-- statement; in it, each insert refers to the rows of the previous one so that it runs after it.
create function private.roll_up_generations() returns trigger
language plpgsql security definer
set search_path = ''
-- Planning each insert would take longer than the insert itself.
set plan_cache_mode = force_generic_plan
set jit = off
-- The generic plan cannot know how many events will come: it is better to hash a single event than to sort a thousand.
set enable_sort = off
as $$
declare
    rejections jsonb;
begin
    with facts as (
        select
            date_bin('15 minutes', moment, '2000-01-01 00:00:00+00') as quarter,
            source, overridden, origin, status, first_model_said, generator_said, reason_said, prompt_version_said,
            unpriced_said, regenerated, unreadable, cost_usd, wasted_usd, baseline_usd, latency_ms, steps, services, attempts,
            case when latency_ms is not null then private.latency_bucket(latency_ms) end as bucket,
            status = 'completed' and cost_usd is not null and baseline_usd is not null as comparable
        from appended as event
        cross join lateral private.generation_measures(event.action, event.timestamp, event.details) as measured
        -- A fence: otherwise each use of a measure would compute it again.
        offset 0
    ),

    by_quarter as materialized (
        select
            quarter, source, overridden, origin, status,
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
            quarter, source, overridden, origin, status, comparable, first_model_said, generator_said, reason_said,
            prompt_version_said, unpriced_said
    ),

    generations as (
        insert into public.generation_rollups as rollup (
            grain, slot, source, overridden, origin, status, primary_model, generator, fallback_reason,
            generations, regenerated, unreadable, unpriced, cost_usd, without_cost, wasted_usd, without_waste, compared,
            baseline_usd, compared_cost_usd, compared_wasted_usd, timed, latency_ms, by_steps, by_services
        )
        select
            slot.grain, slot.slot, source, overridden, origin, status, primary_model, generator, fallback_reason,
            sum(generations), sum(regenerated),
            sum(case when private.is_nameless(status, generator) then generations else unreadable end),
            sum(unpriced), sum(cost_usd), sum(without_cost), sum(wasted_usd), sum(without_waste),
            coalesce(sum(generations) filter (where comparable), 0), coalesce(sum(baseline_usd) filter (where comparable), 0),
            coalesce(sum(cost_usd) filter (where comparable), 0), coalesce(sum(wasted_usd) filter (where comparable), 0),
            sum(timed), sum(latency_ms),
            array[sum(by_steps[1]), sum(by_steps[2]), sum(by_steps[3]), sum(by_steps[4]), sum(by_steps[5])],
            array[sum(by_services[1]), sum(by_services[2]), sum(by_services[3]), sum(by_services[4]), sum(by_services[5])]
        from by_quarter
        cross join lateral private.slots(quarter) as slot
        where status is not null
        group by slot.grain, slot.slot, source, overridden, origin, status, primary_model, generator, fallback_reason
        order by slot.grain, slot.slot, source, overridden, origin, status, primary_model, generator, fallback_reason
        on conflict (grain, slot, source, overridden, origin, status, primary_model, generator, fallback_reason)
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
        where status = 'completed'
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

    -- Picked one by one, which costs half as much as building a set for each event.
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
            call ->> 'rejected_for' as refused_for_said,
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
        -- A fence: the duration is read once, not once for each of the two sums.
        offset 0
    ),

    calls_by_quarter as (
        select
            quarter, source, overridden, origin, prompt_version,
            private.label(model_said) as model,
            ending,
            case when refused_for_said in ('schema', 'semantic') then refused_for_said end as rejected_for,
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
            grain, slot, source, overridden, origin, model, prompt_version, outcome, rejected_for,
            attempts, timed, duration_ms
        )
        select
            slot.grain, slot.slot, source, overridden, origin, model, prompt_version, ending, rejected_for,
            sum(attempts), sum(timed), sum(duration_ms)
        from calls_by_quarter
        cross join lateral private.slots(quarter) as slot
        where (select count(*) from latencies) >= 0
        group by slot.grain, slot.slot, source, overridden, origin, model, prompt_version, ending, rejected_for
        order by slot.grain, slot.slot, source, overridden, origin, model, prompt_version, ending, rejected_for
        on conflict (grain, slot, source, overridden, origin, model, prompt_version, outcome, rejected_for)
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

    -- A separate statement, since most appends have no rejections: preparing it costs as much as two events.
    if rejections is not null then
        insert into public.finding_rollups as rollup (grain, slot, source, overridden, origin, model, code, attempts)
        select slot.grain, slot.slot, source, overridden, origin, model, finding.code, count(*)
        from jsonb_to_recordset(rejections)
            as rejected (quarter timestamptz, source text, overridden boolean, origin text, model text, findings jsonb)
        cross join lateral jsonb_array_elements(findings) as found (codes)
        -- A rule that a reply broke twice counts once.
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

revoke all on function private.roll_up_generations() from public, anon, authenticated;


create trigger roll_up_generations
after insert on public.audit_logs
referencing new table as appended
for each statement execute function private.roll_up_generations();
