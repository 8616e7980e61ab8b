-- What the generations of the sample cost and took, and how their attempts ended.

-- The finding that refused the sample's nth refused reply.
create function private.sample_finding(p_number integer) returns text
language sql immutable
as $$
    select (array[
        'step_type_unknown', 'step_unknown', 'step_type_unknown', 'id_not_unique', 'reply_truncated', 'step_unknown',
        'not_json', 'operation_missing', 'step_type_unknown', 'cycle'
    ])[1 + p_number % 10]
$$;


-- What each of these generations cost and took: one row each, its attempts in order.
-- attempts: as in the events. cost_usd, wasted_usd, baseline_usd: their sums at the list prices of the day.
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

    -- The second attempt asks the other model. A cancelled generation was cancelled in its first.
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
            'refused_for', case
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
