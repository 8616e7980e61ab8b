-- Counters beside the audit log, so that a figure costs the same at ten rows and at ten million. They are part of the
-- transaction that appends the event: a figure never lags behind it.
--
-- A slot is a span of 15 minutes, 1 hour or 6 hours that begins at a whole multiple of its grain in UTC. Days of every time zone
-- begin at a quarter of an hour, so that each period is made of a few large slots and, at its ends, some small ones.
-- Events whose time no calendar holds have the slot null: they belong to no period, and are counted all the same.
--
-- Writers meet at the rows of the present slot. All take their locks in one order, table by table and key by key, so
-- that they wait for each other and never lock each other out. This asks of each transaction one append, not several.
-- What fills them is in 20261125092100_counters.sql.

create table public.generation_rollups (
    grain smallint not null check (grain in (15, 60, 360)),
    slot timestamptz,
    source text not null,
    overridden boolean not null,
    origin text,
    outcome text not null,
    primary_model text,
    generator text,
    fallback_reason text,
    generations bigint not null,
    regenerated bigint not null,
    unreadable bigint not null,
    unpriced bigint not null,
    cost_usd numeric not null,
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
        grain, slot, source, overridden, origin, outcome, primary_model, generator, fallback_reason
    )
);

comment on table public.generation_rollups is 'One row per slot and kind of ended generation: how many, and their sums.';
comment on column public.generation_rollups.grain is 'Length of the slot in minutes.';
comment on column public.generation_rollups.source is 'real, simulated or sample.';
comment on column public.generation_rollups.unpriced is 'Attempts without a known price; cost_usd leaves them out.';
comment on column public.generation_rollups.without_waste is 'Generations whose waste is unknown; wasted_usd leaves them out.';
comment on column public.generation_rollups.compared is
    'Completed generations whose cost and baseline are known: the only ones in savings, with the three sums beside it.';
comment on column public.generation_rollups.timed is 'Generations with a known latency; latency_ms is their sum.';
comment on column public.generation_rollups.by_steps is
    'How many have 1-3, 4-6, 7-10, 11-20 and more steps; those that do not say are in none.';
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
    refused_for text,
    attempts bigint not null,
    cost_usd numeric not null,
    duration_ms numeric not null,
    unique nulls not distinct (grain, slot, source, overridden, origin, model, prompt_version, outcome, refused_for)
);

comment on table public.attempt_rollups is 'One row per slot, model and outcome of the calls that count in rates.';

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

comment on table public.finding_rollups is 'One row per slot, model and finding that refused its replies.';

do $$
declare
    name text;
begin
    foreach name in array array['generation_rollups', 'latency_rollups', 'attempt_rollups', 'finding_rollups'] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public, anon, authenticated', name);
        -- Room on each page for the next version of a row of the present slot.
        execute format('alter table public.%I set (fillfactor = 70)', name);
    end loop;
end
$$;


-- The slots that a moment falls into; both null for null.
create function private.slots(at timestamptz) returns table (grain smallint, slot timestamptz)
language sql immutable
as $$
    values
        (15::smallint, date_bin('15 minutes', at, '2000-01-01 00:00:00+00')),
        (60::smallint, date_bin('1 hour', at, '2000-01-01 00:00:00+00')),
        (360::smallint, date_bin('6 hours', at, '2000-01-01 00:00:00+00'))
$$;

-- The bucket of a latency. Bucket n from 1 on ends at 1.036^(n-1) ms, where DDSketch puts it for a relative error of
-- 1.77 %; bucket 0 is for less than a millisecond.
create function private.latency_bucket(ms numeric) returns integer
language sql immutable
as $$
    select case when ms >= 1 then 1 + ceil(ln(ms::float8) / ln(1.036::float8))::integer else 0 end
$$;

-- The latency that stands for a bucket, in ms: at most 1.77 % from any in it.
create function private.bucket_latency(bucket integer) returns float8
language sql immutable
as $$
    select case when bucket > 0 then 2 * 1.036::float8 ^ (bucket - 1) / 2.036 else 0 end
$$;

-- The sum of two arrays of counts, each with its first value, from the lesser of these on.
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
    -- The usual case needs no room: some more of values that are there already.
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

-- The sum of two arrays of five.
create function private.add_five(p bigint[], q bigint[]) returns bigint[]
language sql immutable
as $$
    select array[p[1] + q[1], p[2] + q[2], p[3] + q[3], p[4] + q[4], p[5] + q[5]]
$$;

revoke all on function
    private.slots(timestamptz),
    private.latency_bucket(numeric),
    private.bucket_latency(integer),
    private.add_counts(integer, integer[], integer, integer[]),
    private.add_five(bigint[], bigint[])
from public, anon, authenticated;
