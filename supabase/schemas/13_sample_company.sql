-- Three months of an imaginary company, for trying out the console before using it. Every event is marked as a sample,
-- all but the settings changes also as simulated, and all of them can be removed again.
--
-- The story, in days from the first. Each change comes at 8:00 UTC, when 14 % of that day's generations are done:
--   day 0              GPT-4o mini becomes primary and Claude Sonnet 4 fallback; before, it was the other way round
--   2/3 of the days    an outage of OpenAI from 13:00 to about 16:20
--   4/5 of the days    prompt version 2 is released; a fifth of its replies fail validation
--   two days later     rollback: Claude Sonnet 4 becomes primary, and prompt version 3 is released
--   the day after      GPT-4o mini becomes primary again
--   9/10 of the days   GPT-6 Luna is tried as primary; an eighth of its replies fail validation
--   two days later     GPT-4o mini becomes primary again
-- A sample of fewer than 30 days has the first line only.
--
-- Totals depend only on the number of days and generations. On a weekday, day d has per_day x (60 + 40 d / (days - 1))
-- / 100 generations; on a weekend day, it has 35 % of that; both are rounded down. Generation i of a day falls back if
-- floor((i + 1) rate) > floor(i rate); see private.sample_generations.


-- Returns a pseudo-random whole number from 0 to below p_below, always the same for the same words.
create function private.sample_chance(p_words text, p_below integer) returns integer
language sql immutable
as $$
    select ('x' || left(md5(p_words), 7))::bit(28)::integer % p_below
$$;

revoke all on function private.sample_chance(text, integer) from public, anon, authenticated;


-- Returns an id that is always the same for the same words.
create function private.sample_id(p_words text) returns uuid
language sql immutable
as $$
    select md5('sample/' || p_words)::uuid
$$;

revoke all on function private.sample_id(text) from public, anon, authenticated;


-- Returns one day of the story: its date, its number of generations, the work days on which things change (-1 for
-- never), and the usual fallback rate per thousand.
create function private.sample_day(p_until date, p_days integer, p_per_day integer, p_day integer)
returns table (
    date date, generations integer, outage_day integer, release_day integer, luna_day integer, calm_rate_pm integer
)
language sql immutable
set search_path = ''
as $$
    select
        calendar.date,
        (
            p_per_day::bigint
            * case when extract(isodow from calendar.date) > 5 then 35 else 100 end
            * (60 * greatest(p_days - 1, 1) + 40 * case p_days when 1 then 1 else p_day end)
            / (10000 * greatest(p_days - 1, 1))
        )::integer,
        case when p_days >= 30 then p_days * 2 / 3 else -1 end,
        case when p_days >= 30 then p_days * 4 / 5 else -1 end,
        case when p_days >= 30 then p_days * 9 / 10 else -1 end,
        62 - 24 * p_day / greatest(p_days - 1, 1)
    from (select p_until - p_days + 1 + p_day as date) as calendar
$$;

revoke all on function private.sample_day(date, integer, integer, integer) from public, anon, authenticated;


-- Returns the generations p_first to p_last of one day, one row each, without their JSON.
--
-- work_day: the day of the story; before 8:00 still the previous one. kind: completed, failed or cancelled.
create function private.sample_generations(
    p_until date, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_first integer, p_last integer
)
returns table (
    number integer,
    words text,
    at timestamptz,
    work_day integer,
    kind text,
    primary_model text,
    fallback_model text,
    reason text,
    ranking integer,
    config_version integer,
    prompt_version integer,
    origin text,
    overridden boolean,
    agent_id text,
    replaces uuid,
    steps integer,
    services integer,
    input_tokens integer,
    output_tokens integer
)
language sql immutable
set search_path = ''
as $$
    with day as (
        select * from private.sample_day(p_until, p_days, p_per_day, p_day)
    ),

    ranked as (
        select
            day.*,
            i as number,
            p_seed || '/' || day.date || '/' || i as words,
            (i + 0.5) / day.generations as share
        from day
        cross join generate_series(p_first, least(p_last, day.generations - 1)) as i
    ),

    timed as (
        select
            ranked.*,
            day_hour.begins + (share - day_hour.share_from) / (day_hour.share_to - day_hour.share_from)
                * (day_hour.ends - day_hour.begins) as hour,
            p_day - (share < 0.14)::integer as work_day
        from ranked
        join (values
            (0.00, 0.06, 0, 6), (0.06, 0.14, 6, 8), (0.14, 0.50, 8, 12), (0.50, 0.56, 12, 13), (0.56, 0.92, 13, 18),
            (0.92, 1.00, 18, 24)
        ) as day_hour (share_from, share_to, begins, ends)
            on share >= share_from and share < share_to
    ),

    told as (
        select
            timed.*,
            release_day >= 0 and timed.work_day between release_day and release_day + 1 as bad_prompt,
            release_day >= 0 and timed.work_day = release_day + 2 as rolled_back,
            luna_day >= 0 and timed.work_day between luna_day and luna_day + 1 as luna,
            p_day = outage_day and share >= 0.56 and share < 0.80 as outage
        from timed
    ),

    rated as (
        select
            told.*,
            case
                when told.work_day < 0 or rolled_back then 'claude-sonnet-4'
                when luna then 'gpt-6-luna'
                else 'gpt-4o-mini'
            end as primary_model,
            case
                when told.work_day < 0 or rolled_back then 8
                when outage then 1000
                when bad_prompt then 210
                when luna then 130
                else calm_rate_pm
            end as rate_pm
        from told
    ),

    ranked_fallbacks as (
        select
            rated.*,
            number::bigint * rate_pm / 1000 as ranking,
            (number + 1)::bigint * rate_pm / 1000 > number::bigint * rate_pm / 1000 as fell_back
        from rated
    )

    select
        number,
        words,
        date::timestamp at time zone 'UTC' + hour * interval '1 hour',
        work_day,
        case
            when number % 97 = 50 then 'cancelled'
            when fell_back and ranking % 25 = 24 then 'failed'
            else 'completed'
        end,
        primary_model,
        case when primary_model = 'claude-sonnet-4' then 'gpt-4o-mini' else 'claude-sonnet-4' end,
        case
            when not fell_back or number % 97 = 50 then null
            when outage then 'api_error'
            when bad_prompt or luna then case ranking % 12 when 11 then 'timeout' else 'validation_failed' end
            else (array[
                'validation_failed', 'validation_failed', 'timeout', 'validation_failed', 'rate_limit',
                'validation_failed', 'validation_failed', 'api_error', 'timeout', 'validation_failed'
            ])[1 + ranking % 10]
        end,
        ranking::integer,
        case
            when work_day < 0 then 1
            when release_day < 0 or work_day < release_day + 2 then 2
            when work_day = release_day + 2 then 3
            when work_day < luna_day then 4
            when work_day < luna_day + 2 then 5
            else 6
        end,
        case
            when release_day < 0 or work_day < release_day then 1
            when work_day < release_day + 2 then 2
            else 3
        end,
        case when number % 50 < 40 then 'platform' when number % 50 < 46 then 'api' when number % 50 < 49 then 'playground' else 'cli' end,
        number % 50 = 46 and number % 4 = 2,
        'sample-agent-' || private.sample_chance(words || '/agent', greatest(p_per_day * 6, 1)),
        case when number % 41 = 17 then private.sample_id(p_seed || '/' || date || '/' || number - 1) end,
        3 + number * 7 % 9,
        number % 5,
        1400 + 60 * (number % 5) + 35 * (number % 11),
        220 * (3 + number * 7 % 9) + 13 * (number % 17)
    from ranked_fallbacks
$$;

revoke all on function private.sample_generations(date, integer, integer, integer, integer, integer, integer) from public, anon, authenticated;


-- Returns the finding that caused the sample's nth rejection.
create function private.sample_finding(p_number integer) returns text
language sql immutable
as $$
    select (array[
        'step_type_unknown', 'step_unknown', 'step_type_unknown', 'id_not_unique', 'reply_truncated', 'step_unknown',
        'not_json', 'operation_missing', 'step_type_unknown', 'cycle'
    ])[1 + p_number % 10]
$$;

revoke all on function private.sample_finding(integer) from public, anon, authenticated;


-- Returns what each of these generations cost and how long it took: one row each.
-- attempts: in order, as in the events. cost_usd, wasted_usd, baseline_usd: their sums at the list prices of the day.
create function private.sample_outcomes(
    p_until date, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_first integer, p_last integer
)
returns table (
    number integer, generator text, attempts jsonb, cost_usd numeric, wasted_usd numeric, baseline_usd numeric,
    duration_ms integer
)
language sql stable
set search_path = ''
as $$
    with generations as (
        select * from private.sample_generations(p_until, p_days, p_per_day, p_seed, p_day, p_first, p_last)
    ),

    -- The second attempt asks the other model. A cancelled generation is cancelled in its first attempt.
    called as (
        select
            generations.*,
            place,
            case place when 1 then primary_model else fallback_model end as model,
            case
                when kind = 'cancelled' then 'cancelled'
                when place = 1 then coalesce(reason, 'succeeded')
                when kind = 'failed' then 'validation_failed'
                else 'succeeded'
            end as outcome
        from generations
        cross join generate_series(1, 2) as place
        where place = 1 or reason is not null
    ),

    metered as (
        select
            called.*,
            case when outcome in ('api_error', 'rate_limit') then 0 else input_tokens end as input,
            case
                when outcome in ('api_error', 'rate_limit') then 0
                when outcome in ('timeout', 'cancelled') then output_tokens / 2
                else output_tokens
            end as output,
            case outcome
                when 'api_error' then 350 + private.sample_chance(words || '/error', 900)
                when 'rate_limit' then 120 + private.sample_chance(words || '/limit', 200)
                when 'timeout' then 30000
                when 'cancelled' then 1500 + private.sample_chance(words || '/cancel', 3000)
                else (
                    case when model = 'claude-sonnet-4' then 5200 + 900 * steps else 2400 + 420 * steps end
                    + private.sample_chance(words || '/time/' || place, 2600)
                ) * case private.sample_chance(words || '/slow/' || place, 40) when 0 then 3 else 1 end
            end as took_ms
        from called
    ),

    priced as (
        select
            metered.*,
            (input * own.input_usd_per_mtok + output * own.output_usd_per_mtok) * 0.000001 as usd,
            (input * base.input_usd_per_mtok + output * base.output_usd_per_mtok) * 0.000001 as base_usd
        from metered
        join public.model_prices as own
            on own.model = metered.model
            and own.effective_from <= at::date
            and coalesce(at::date < own.effective_to, true)
        join public.model_prices as base
            on base.model = private.baseline_model()
            and base.effective_from <= at::date
            and coalesce(at::date < base.effective_to, true)
    )

    select
        number,
        max(model) filter (where outcome = 'succeeded'),
        jsonb_agg(jsonb_build_object(
            'model', model,
            'api_model', case model when 'claude-sonnet-4' then 'claude-sonnet-4-6' else model end,
            'outcome', outcome,
            'detail', case outcome
                when 'validation_failed' then private.sample_finding(ranking + place)
                when 'api_error' then 'HTTP 503'
                when 'rate_limit' then 'HTTP 429'
                when 'timeout' then 'no complete reply in 30 s'
                when 'cancelled' then 'cancelled'
                else ''
            end,
            'rejected_for', case
                when outcome <> 'validation_failed' then null
                when private.sample_finding(ranking + place) in ('step_unknown', 'cycle') then 'semantic'
                else 'schema'
            end,
            'finding_codes', case
                when outcome = 'validation_failed' then jsonb_build_array(private.sample_finding(ranking + place))
                else '[]'
            end,
            'tokens', jsonb_build_object(
                'input', input, 'cached_input', 0, 'cache_write_input', 0, 'output', output, 'total', input + output
            ),
            'tokens_estimated', outcome in ('timeout', 'cancelled'),
            'cost_usd', usd,
            'duration_ms', took_ms
        ) order by place),
        sum(usd),
        coalesce(sum(usd) filter (where outcome <> 'succeeded'), 0),
        sum(base_usd) filter (where outcome = 'succeeded'),
        sum(took_ms)::integer
    from priced
    group by number
$$;

revoke all on function private.sample_outcomes(date, integer, integer, integer, integer, integer, integer) from public, anon, authenticated;
