-- The sums of the rollups over the days of a period, for reports. What a rate or a percentile is, the reader decides.

-- The slots that make up each bin, as spans of one grain: large slots inside it, small ones at its ends.
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

    -- Hours from h1 to h2, in them six hours each from s1 to s2; where there are none, both ends meet.
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

-- Whether a row of a rollup is asked for.
create function private.is_asked_for(p_filters jsonb, p_source text, p_origin text) returns boolean
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
$$;

revoke all on function
    private.spans(jsonb), private.is_asked_for(jsonb, text, text)
from public, anon, authenticated;
