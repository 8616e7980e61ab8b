-- What the audit log's events say, read as typed facts. Nothing here raises, whatever stands in `details`: what cannot
-- be read is null and named in `problems`. Events come from this orchestrator (they have a generation_id), from other
-- systems, or from an earlier one; the rules for the last two are stated at each function.
--
-- The functions over one event carry no `set search_path`: with it the planner could not inline them, and a call for
-- each event would cost more than reading it. All names in them are qualified instead.

-- The model that savings are measured against, whatever the keys say.
create function private.baseline_model() returns text
language sql immutable
set search_path = ''
as $$ select 'claude-sonnet-4' $$;

-- The number from 0 to `most` that a text holds; null for anything else.
create function private.amount_in_text(value text, most numeric) returns numeric
language sql immutable
set search_path = ''
as $$
    select case
        when value ~ '^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9][0-9]?)?$' and length(value) <= 60
        then case when value::numeric <= most then value::numeric end
    end
$$;

-- A number from 0 to `most`, written as JSON's or as text; null for anything else.
create function private.amount(value jsonb, most numeric) returns numeric
language sql immutable
as $$
    select case jsonb_typeof(value)
        when 'number' then case when value::numeric >= 0 and value::numeric <= most then value::numeric end
        when 'string' then private.amount_in_text(value #>> '{}', most)
    end
$$;

-- A text of 1 to 100 characters on one line; null for anything else.
create function private.label(value jsonb) returns text
language sql immutable
as $$
    select case
        when jsonb_typeof(value) = 'string' and length(value #>> '{}') <= 100 and value #>> '{}' !~ '[[:cntrl:]]'
        then nullif(trim(value #>> '{}'), '')
    end
$$;

-- One of the four reasons for a fallback, by its own name or in an earlier system's words; null for null.
create function private.fallback_reason(words text) returns text
language sql immutable
as $$
    select case
        when words is null then null
        when words in ('validation_failed', 'api_error', 'timeout', 'rate_limit') then words
        when words ~* 'timed out|timeout' then 'timeout'
        when words ~* '429|rate limit' then 'rate_limit'
        when words ~* 'valid|schema|parse|json' then 'validation_failed'
        else 'api_error'
    end
$$;

-- A moment that every calendar can hold; null for none, for infinity and for years beyond 9999.
create function private.moment(at timestamptz) returns timestamptz
language sql immutable
as $$
    select case when at >= '0001-01-02 00:00:00+00' and at < '9999-12-31 00:00:00+00' then at end
$$;

-- Where an event comes from: sample data, a simulated model, or a real one, which is also meant by saying nothing.
create function private.event_source(sample text, simulated text) returns text
language sql immutable
as $$
    select case when sample = 'true' then 'sample' when simulated = 'true' then 'simulated' else 'real' end
$$;

-- The way by which a generation was asked for; null for one that does not say, which came from elsewhere.
create function private.event_origin(origin text) returns text
language sql immutable
as $$
    select case when origin in ('playground', 'cli', 'api', 'platform') then origin end
$$;

-- US dollars for these tokens at the list price of that day (UTC), all input at the full rate; null for an unknown price.
create function private.list_price(p_model text, p_at timestamptz, p_tokens jsonb) returns numeric
language sql stable
set search_path = ''
as $$
    select (
        private.amount(p_tokens -> 'input', 1e9) * price.input_usd_per_mtok
        + private.amount(p_tokens -> 'output', 1e9) * price.output_usd_per_mtok
    ) * 0.000001
    from public.model_prices as price
    where price.model = p_model
        and price.effective_from <= (p_at at time zone 'UTC')::date
        and (price.effective_to is null or (p_at at time zone 'UTC')::date < price.effective_to)
    order by price.effective_from desc
    limit 1
$$;

-- Whether a value is an array of nothing but objects; false for null.
create function private.is_list_of_objects(value jsonb) returns boolean
language sql immutable
as $$
    select coalesce(jsonb_typeof(value) = 'array' and not value @? 'strict $[*] ? (@.type() != "object")', false)
$$;

-- By how much the first exceeds the second, 0 where it does not; null where either is.
create function private.beyond(amount numeric, other numeric) returns numeric
language sql immutable
as $$
    select case when amount > other then amount - other when amount <= other then 0 end
$$;


-- One row for each event about a generation, none for any other.
--
-- Without a generation_id an event comes from elsewhere: its baseline is its tokens at the baseline model's price of the
-- day, its waste what it cost beyond its tokens at its generator's price, never below 0. The earlier system named the
-- generator `generator`; where its tokens_used is one number, baseline and waste are unknown.
--
-- outcome: completed, failed or cancelled; null for a FALLBACK, which ends nothing.
-- primary_model: the one asked first; null where that cannot be told.
-- unpriced: attempts without a known price; cost_usd is then the known part.
-- unreadable: whether `problems`, the names of the fields that cannot be read, is not empty.
-- attempts: the model calls that count in rates, each once: [{model, outcome, refused_for, cost_usd, duration_ms,
-- finding_codes}]. This orchestrator lists them in GENERATED and FAILED, and what was cancelled counts in no rate; from
-- elsewhere, a GENERATED is a success of its generator and a FALLBACK a failure of its primary model.
create function private.generation_facts(p_action text, p_at timestamptz, p_details jsonb)
returns table (
    moment timestamptz,
    source text,
    overridden boolean,
    origin text,
    outcome text,
    primary_model text,
    generator text,
    fallback_reason text,
    regenerated boolean,
    cost_usd numeric,
    wasted_usd numeric,
    baseline_usd numeric,
    unpriced integer,
    latency_ms numeric,
    steps integer,
    services integer,
    prompt_version integer,
    unreadable boolean,
    problems text[],
    attempts jsonb
)
language sql stable
as $$
    select
        read.moment,
        read.source,
        read.overridden,
        read.origin,
        read.outcome,
        case
            when read.own then read.first_model
            when read.fallback_reason is null then read.generator
        end,
        read.generator,
        read.fallback_reason,
        read.regenerated,
        read.cost_usd,
        case
            when p_details ? 'wasted_cost_usd' then case when read.wasted_usd <= read.cost_usd then read.wasted_usd end
            when read.outcome = 'completed'
            then private.beyond(read.cost_usd, private.list_price(read.generator, p_at, p_details -> 'tokens_used'))
            else read.cost_usd
        end,
        case
            when p_details ? 'baseline_cost_usd' then read.baseline_usd
            else private.list_price(private.baseline_model(), p_at, p_details -> 'tokens_used')
        end,
        read.unpriced,
        read.latency_ms,
        read.steps,
        read.services,
        read.prompt_version,
        read.moment is null
            or read.outcome = 'completed' and (read.generator is null or read.cost_usd is null)
            or read.wasted_given and (read.wasted_usd <= read.cost_usd) is not true
            or read.latency_given and read.latency_ms is null
            or read.own and not read.attempts_listed,
        array_remove(array[
            case when read.moment is null then 'timestamp' end,
            case when read.outcome = 'completed' and read.generator is null then 'generator_used' end,
            case when read.outcome = 'completed' and read.cost_usd is null then 'cost_usd' end,
            case when read.wasted_given and (read.wasted_usd <= read.cost_usd) is not true then 'wasted_cost_usd' end,
            case when read.latency_given and read.latency_ms is null then 'generation_time_ms' end,
            case when read.own and not read.attempts_listed then 'attempts' end
        ], null),
        case
            when read.own then
                case when read.outcome <> 'cancelled' and read.attempts_listed then read.attempts end
            when read.outcome = 'completed' then jsonb_build_array(jsonb_build_object('model', read.generator, 'outcome', 'succeeded'))
            when read.outcome is null then jsonb_build_array(jsonb_build_object(
                'model', p_details -> 'primary_model',
                'outcome', coalesce(private.fallback_reason(p_details ->> 'reason'), 'api_error')
            ))
        end
    from (
        select
            private.moment(p_at) as moment,
            private.event_source(field.sample, field.simulated) as source,
            coalesce(field.overridden = 'true', false) as overridden,
            private.event_origin(field.origin) as origin,
            case p_action
                when 'WORKFLOW_GENERATED' then 'completed'
                when 'WORKFLOW_GENERATION_FAILED' then 'failed'
                when 'WORKFLOW_GENERATION_CANCELLED' then 'cancelled'
            end as outcome,
            field.generation_id is not null as own,
            case
                when p_action = 'WORKFLOW_GENERATED' then private.label(coalesce(field.generator_used, field.generator))
            end as generator,
            case when p_action = 'WORKFLOW_GENERATED' then private.fallback_reason(field.fallback_reason) end as fallback_reason,
            field.replaces_generation_id is not null as regenerated,
            private.amount(
                case
                    when p_action = 'WORKFLOW_GENERATED' then field.cost_usd
                    else coalesce(field.cost_usd, field.wasted_cost_usd)
                end,
                1e6
            ) as cost_usd,
            private.amount(field.wasted_cost_usd, 1e6) as wasted_usd,
            field.wasted_cost_usd is not null as wasted_given,
            private.amount(field.baseline_cost_usd, 1e6) as baseline_usd,
            coalesce(private.amount(field.unpriced_attempts, 1000), 0)::integer as unpriced,
            private.amount(field.generation_time_ms, 86400000) as latency_ms,
            field.generation_time_ms is not null as latency_given,
            trunc(private.amount(field.steps_generated, 10000))::integer as steps,
            trunc(private.amount(field.services, 10000))::integer as services,
            trunc(private.amount(field.prompt_version, 1000000))::integer as prompt_version,
            field.attempts,
            private.is_list_of_objects(field.attempts) as attempts_listed,
            private.label(field.first_model) as first_model
        from (
            select
                p_details ->> 'generation_id' as generation_id,
                p_details -> 'generator_used' as generator_used,
                p_details -> 'generator' as generator,
                p_details ->> 'fallback_reason' as fallback_reason,
                p_details ->> 'replaces_generation_id' as replaces_generation_id,
                p_details -> 'cost_usd' as cost_usd,
                p_details -> 'wasted_cost_usd' as wasted_cost_usd,
                p_details -> 'baseline_cost_usd' as baseline_cost_usd,
                p_details -> 'unpriced_attempts' as unpriced_attempts,
                p_details -> 'generation_time_ms' as generation_time_ms,
                p_details -> 'steps_generated' as steps_generated,
                p_details -> 'services' as services,
                p_details -> 'prompt_version' as prompt_version,
                p_details ->> 'origin' as origin,
                p_details ->> 'overridden' as overridden,
                p_details ->> 'simulated' as simulated,
                p_details ->> 'sample' as sample,
                p_details -> 'attempts' as attempts,
                p_details -> 'attempts' -> 0 -> 'model' as first_model
            -- Without a fence each use of a field would read it again; so here and below.
            offset 0
        ) as field
        offset 0
    ) as read
    where p_action in (
        'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED', 'WORKFLOW_GENERATION_FALLBACK'
    )
$$;


-- One row for each event that judges a workflow, none for any other: a run of an agent, or a user's rating.
--
-- good: whether the run succeeded or the rating was good; null where the event cannot be read.
-- source: as for a generation; sample data is judged by itself.
create function private.verdict_facts(p_action text, p_at timestamptz, p_entity_id text, p_details jsonb)
returns table (moment timestamptz, kind text, agent_id text, generation_id text, source text, good boolean)
language sql immutable
as $$
    select
        private.moment(p_at),
        case p_action when 'WORKFLOW_RATED' then 'rating' else 'execution' end,
        case when p_action <> 'WORKFLOW_RATED' then p_entity_id end,
        case when p_action = 'WORKFLOW_RATED' then p_details ->> 'generation_id' end,
        private.event_source(p_details ->> 'sample', p_details ->> 'simulated'),
        case
            when private.moment(p_at) is null then null
            when p_action = 'WORKFLOW_RATED' then
                case
                    when p_details ->> 'generation_id' is null then null
                    when private.amount(p_details -> 'score', 1) = 1 then true
                    when private.amount(p_details -> 'score', 1) = 0 then false
                end
            when p_entity_id is null then null
            else p_action = 'AGENT_EXECUTION_COMPLETED'
        end
    where p_action in ('WORKFLOW_RATED', 'AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
$$;


do $$
declare
    fact_function text;
begin
    for fact_function in
        select oid::regprocedure from pg_proc
        where pronamespace = 'private'::regnamespace
            and proname in (
                'baseline_model', 'amount', 'amount_in_text', 'label', 'fallback_reason', 'moment', 'event_source',
                'event_origin', 'list_price', 'beyond', 'is_list_of_objects', 'generation_facts', 'verdict_facts'
            )
    loop
        execute format('revoke all on function %s from public, anon, authenticated', fact_function);
    end loop;
end
$$;
