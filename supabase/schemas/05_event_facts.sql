-- Reads the events of the audit log as typed facts. Nothing here raises an error, whatever `details` contains: what
-- cannot be read is null and named in `problems`. Events come from this orchestrator (they have a generation_id), from
-- other systems, or from an earlier one; each function states its rules for the last two.
--
-- The functions that read one event do not set search_path, which would prevent the planner from inlining them; a call
-- for each event would cost more than reading it. All names in them are qualified instead.


-- Returns the UUID that a text holds; null for any other text.
create function private.uuid_or_null(value text) returns uuid
language sql immutable
as $$
    select case
        when value ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' then value::uuid
    end
$$;

revoke all on function private.uuid_or_null(text) from public, anon, authenticated;


-- Returns the model that savings are measured against, whatever the settings say.
create function private.baseline_model() returns text
language sql immutable
set search_path = ''
as $$ select 'claude-sonnet-4' $$;

revoke all on function private.baseline_model() from public, anon, authenticated;


-- Returns the number from 0 to `most` that a text holds; null for any other text. Written in PL/pgSQL, which starts in
-- a quarter of the time that SQL needs here.
create function private.amount_in_text(value text, most numeric) returns numeric
language plpgsql immutable
set search_path = ''
as $$
begin
    return case
        when value ~ '^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9][0-9]?)?$' and length(value) <= 60
        then case when value::numeric <= most then value::numeric end
    end;
end
$$;

revoke all on function private.amount_in_text(text, numeric) from public, anon, authenticated;


-- Returns any JSON number, or a number of at least 0 held as text; null for anything else.
create function private.number(value jsonb) returns numeric
language sql immutable
as $$
    select case jsonb_typeof(value)
        when 'number' then value::numeric
        when 'string' then private.amount_in_text(value #>> '{}', 'infinity')
    end
$$;

revoke all on function private.number(jsonb) from public, anon, authenticated;


-- Returns the number if it is from 0 to `most`; null for any other.
create function private.within(number numeric, most numeric) returns numeric
language sql immutable
as $$ select case when number >= 0 and number <= most then number end $$;

revoke all on function private.within(numeric, numeric) from public, anon, authenticated;


-- Returns the number from 0 to `most` that JSON holds as a number or as text; null for anything else.
create function private.amount(value jsonb, most numeric) returns numeric
language sql immutable
as $$
    select case jsonb_typeof(value)
        when 'number' then private.within(value::numeric, most)
        when 'string' then private.amount_in_text(value #>> '{}', most)
    end
$$;

revoke all on function private.amount(jsonb, numeric) from public, anon, authenticated;


-- Returns a name of 1 to 100 characters on one line; null for anything else, including JSON arrays and objects.
create function private.label(said text) returns text
language sql immutable
as $$
    select case when length(said) <= 100 and said !~ '[[:cntrl:]]|^[{[]' then nullif(trim(said), '') end
$$;

revoke all on function private.label(text) from public, anon, authenticated;


-- Returns one of the four fallback reasons, given its own name or an earlier system's wording; null for null. Any other
-- wording is an api_error.
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

revoke all on function private.fallback_reason(text) from public, anon, authenticated;


-- Returns a moment if every calendar can hold it; null for null, for infinity, and for anything before 0001-01-02 or
-- from 9999-12-31 on (UTC).
create function private.moment(at timestamptz) returns timestamptz
language sql immutable
as $$
    select case when at >= '0001-01-02 00:00:00+00' and at < '9999-12-31 00:00:00+00' then at end
$$;

revoke all on function private.moment(timestamptz) from public, anon, authenticated;


-- Returns where an event comes from: sample data, a simulated model, or a real one. Events that do not say are real.
create function private.event_source(sample text, simulated text) returns text
language sql immutable
as $$
    select case when sample = 'true' then 'sample' when simulated = 'true' then 'simulated' else 'real' end
$$;

revoke all on function private.event_source(text, text) from public, anon, authenticated;


-- Returns how a generation was requested: playground, cli, api or platform; null for an event that does not say, which
-- came from elsewhere.
create function private.event_origin(origin text) returns text
language sql immutable
as $$
    select case when origin in ('playground', 'cli', 'api', 'platform') then origin end
$$;

revoke all on function private.event_origin(text) from public, anon, authenticated;


-- Returns the price of these tokens in US dollars, at the list price of that day (UTC) and with all input at the full
-- rate; null for an unknown price.
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

revoke all on function private.list_price(text, timestamptz, jsonb) from public, anon, authenticated;


-- Returns whether a value is an array that contains only objects; false for null.
create function private.is_list_of_objects(value jsonb) returns boolean
language sql immutable
as $$
    select coalesce(jsonb_typeof(value) = 'array' and not value @? 'strict $[*] ? (@.type() != "object")', false)
$$;

revoke all on function private.is_list_of_objects(jsonb) from public, anon, authenticated;


-- Returns by how much `amount` exceeds `other`, 0 if it does not; null if either is null.
create function private.excess(amount numeric, other numeric) returns numeric
language sql immutable
as $$
    select case when amount > other then amount - other when amount <= other then 0 end
$$;

revoke all on function private.excess(numeric, numeric) from public, anon, authenticated;


-- Returns the prompt version that an event names, given as text; null if it cannot be read.
create function private.prompt_version(said text) returns integer
language sql immutable
as $$ select trunc(private.amount_in_text(said, 1000000))::integer $$;

revoke all on function private.prompt_version(text) from public, anon, authenticated;


-- Returns whether a completed generation has no readable name of its model.
create function private.is_nameless(status text, generator text) returns boolean
language sql immutable
as $$ select status = 'completed' and generator is null $$;

revoke all on function private.is_nameless(text, text) from public, anon, authenticated;


-- Returns whether a generation is left out of the rates that are judged, because it has overrides or a forced fault.
create function private.is_left_out(overridden text, forced_fault text) returns boolean
language sql immutable
as $$
    select coalesce(overridden = 'true', false) or forced_fault is not null
$$;

revoke all on function private.is_left_out(text, text) from public, anon, authenticated;


-- Returns how many attempts without a known price an event reports; 0 if it reports no readable number.
create function private.unpriced(said text) returns integer
language sql immutable
as $$
    -- Nearly always 0, which needs no parsing.
    select case said when '0' then 0 else coalesce(private.amount_in_text(said, 1000), 0)::integer end
$$;

revoke all on function private.unpriced(text) from public, anon, authenticated;


-- Returns what an event about a generation says: one row for each such event, none for any other.
--
-- An event without a generation_id comes from elsewhere: its baseline is the price of its tokens at the baseline
-- model's price of that day, and its waste is its cost beyond the price of its tokens at its generator's price, never
-- below 0. The earlier system named the generator `generator`; where its tokens_used is a single number, baseline and
-- waste are unknown.
--
-- overridden: whether it is left out of the rates that are judged (private.is_left_out).
-- status: completed, failed or cancelled; null for a FALLBACK event, which does not end a generation.
-- first_model_said: the model that was asked first; null if that cannot be told.
-- generator_said, reason_said: set for a completed generation only. Model names are input for private.label, the reason
-- for private.fallback_reason, and prompt_version_said for private.prompt_version.
-- unpriced_said: the number of attempts without a known price, for private.unpriced; cost_usd is then the known part.
-- unreadable: whether `problems`, the names of the fields that cannot be read, is not empty. A nameless generation adds
-- its own problem (private.is_nameless).
-- attempts: the model calls that count in rates, each once: [{model, outcome, rejected_for, cost_usd, duration_ms,
-- finding_codes}]. This orchestrator lists them in GENERATED and FAILED events; a cancelled generation counts in no
-- rate. From elsewhere, a GENERATED event is a success of its generator and a FALLBACK event a failure of its primary
-- model.
create function private.generation_measures(p_action text, p_at timestamptz, p_details jsonb)
returns table (
    moment timestamptz,
    status text,
    source text,
    overridden boolean,
    origin text,
    first_model_said text,
    generator_said text,
    reason_said text,
    prompt_version_said text,
    regenerated boolean,
    cost_usd numeric,
    wasted_usd numeric,
    baseline_usd numeric,
    unpriced_said text,
    latency_ms numeric,
    steps integer,
    services integer,
    unreadable boolean,
    problems text[],
    attempts jsonb
)
language sql stable
as $$
    select
        read.moment,
        read.status,
        read.source,
        read.overridden,
        read.origin,
        case when read.own then read.first_model_said when read.reason_said is null then read.generator_said end,
        read.generator_said,
        read.reason_said,
        read.prompt_version_said,
        read.regenerated,
        read.cost_usd,
        case
            when read.wasted_given then case when read.wasted_usd <= read.cost_usd then read.wasted_usd end
            when read.status = 'completed'
            then private.excess(
                read.cost_usd, private.list_price(private.label(read.generator_said), p_at, p_details -> 'tokens_used')
            )
            else read.cost_usd
        end,
        case
            when read.baseline_given then read.baseline_usd
            else private.list_price(private.baseline_model(), p_at, p_details -> 'tokens_used')
        end,
        read.unpriced_said,
        read.latency_ms,
        read.steps,
        read.services,
        read.moment is null
            or read.status = 'completed' and read.cost_usd is null
            or read.wasted_given and (read.wasted_usd <= read.cost_usd) is not true
            or read.latency_given and read.latency_ms is null
            or read.own and not read.attempts_listed,
        array_remove(array[
            case when read.moment is null then 'timestamp' end,
            case when read.status = 'completed' and read.cost_usd is null then 'cost_usd' end,
            case when read.wasted_given and (read.wasted_usd <= read.cost_usd) is not true then 'wasted_cost_usd' end,
            case when read.latency_given and read.latency_ms is null then 'generation_time_ms' end,
            case when read.own and not read.attempts_listed then 'attempts' end
        ], null),
        case
            when read.own then
                case when read.status <> 'cancelled' and read.attempts_listed then read.attempts end
            when read.status = 'completed' then jsonb_build_array(jsonb_build_object('model', read.generator_said, 'outcome', 'succeeded'))
            when read.status is null then jsonb_build_array(jsonb_build_object(
                'model', p_details -> 'primary_model',
                'outcome', coalesce(private.fallback_reason(p_details ->> 'reason'), 'api_error')
            ))
        end
    from (
        select
            private.moment(p_at) as moment,
            said.generation_id is not null as own,
            case p_action
                when 'WORKFLOW_GENERATED' then 'completed'
                when 'WORKFLOW_GENERATION_FAILED' then 'failed'
                when 'WORKFLOW_GENERATION_CANCELLED' then 'cancelled'
            end as status,
            private.event_source(said.sample, said.simulated) as source,
            private.is_left_out(said.overridden, said.forced_fault) as overridden,
            private.event_origin(said.origin) as origin,
            case
                when p_action = 'WORKFLOW_GENERATED' then coalesce(said.generator_used, p_details ->> 'generator')
            end as generator_said,
            case when p_action = 'WORKFLOW_GENERATED' then said.reason end as reason_said,
            said.prompt_version as prompt_version_said,
            said.replaces_generation_id is not null as regenerated,
            private.within(
                case
                    when p_action = 'WORKFLOW_GENERATED' or said.cost_given then said.cost_usd
                    else said.wasted_usd
                end,
                1e6
            ) as cost_usd,
            private.within(said.wasted_usd, 1e6) as wasted_usd,
            said.wasted_given,
            private.within(said.baseline_usd, 1e6) as baseline_usd,
            said.baseline_given,
            said.unpriced as unpriced_said,
            private.within(said.latency_ms, 86400000) as latency_ms,
            said.latency_given,
            trunc(private.within(said.steps, 10000))::integer as steps,
            trunc(private.within(said.services, 10000))::integer as services,
            said.attempts,
            said.first_model_said,
            case
                -- A single attempt that has a model is an object.
                when said.first_model_said is not null and jsonb_typeof(said.attempts) = 'array'
                    and jsonb_array_length(said.attempts) = 1
                then true
                else private.is_list_of_objects(said.attempts)
            end as attempts_listed
        from (
            select
                field.generation_id, field.generator_used, field.reason, field.replaces_generation_id,
                field.prompt_version, field.origin, field.overridden, field.forced_fault,
                field.simulated, field.sample,
                private.number(field.cost_usd) as cost_usd,
                field.cost_usd is not null as cost_given,
                private.number(field.wasted_cost_usd) as wasted_usd,
                field.wasted_cost_usd is not null as wasted_given,
                private.number(field.baseline_cost_usd) as baseline_usd,
                field.baseline_cost_usd is not null as baseline_given,
                field.unpriced,
                private.number(field.generation_time_ms) as latency_ms,
                field.generation_time_ms is not null as latency_given,
                private.number(field.steps_generated) as steps,
                private.number(field.services) as services,
                field.attempts,
                field.attempts -> 0 ->> 'model' as first_model_said
            from (
                select
                    p_details ->> 'generation_id' as generation_id,
                    p_details ->> 'generator_used' as generator_used,
                    p_details ->> 'fallback_reason' as reason,
                    p_details ->> 'replaces_generation_id' as replaces_generation_id,
                    p_details -> 'cost_usd' as cost_usd,
                    p_details -> 'wasted_cost_usd' as wasted_cost_usd,
                    p_details -> 'baseline_cost_usd' as baseline_cost_usd,
                    p_details ->> 'unpriced_attempts' as unpriced,
                    p_details -> 'generation_time_ms' as generation_time_ms,
                    p_details -> 'steps_generated' as steps_generated,
                    p_details -> 'services' as services,
                    p_details ->> 'prompt_version' as prompt_version,
                    p_details ->> 'origin' as origin,
                    p_details ->> 'overridden' as overridden,
                    p_details ->> 'forced_fault' as forced_fault,
                    p_details ->> 'simulated' as simulated,
                    p_details ->> 'sample' as sample,
                    p_details -> 'attempts' as attempts
                -- `offset 0`, here and below, is a fence: without it, each use of a field would read the field again.
                offset 0
            ) as field
            offset 0
        ) as said
        offset 0
    ) as read
    where p_action in (
        'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED', 'WORKFLOW_GENERATION_FALLBACK'
    )
$$;

revoke all on function private.generation_measures(text, timestamptz, jsonb) from public, anon, authenticated;


-- Returns what private.generation_measures says about an event, with raw values resolved to names and numbers: one row
-- for each event about a generation, none for any other.
--
-- primary_model: the model that was asked first; null if that cannot be told.
create function private.generation_facts(p_action text, p_at timestamptz, p_details jsonb)
returns table (
    moment timestamptz,
    source text,
    overridden boolean,
    origin text,
    status text,
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
        read.status,
        private.label(read.first_model_said),
        read.generator,
        private.fallback_reason(read.reason_said),
        read.regenerated,
        read.cost_usd,
        read.wasted_usd,
        read.baseline_usd,
        private.unpriced(read.unpriced_said),
        read.latency_ms,
        read.steps,
        read.services,
        private.prompt_version(read.prompt_version_said),
        read.unreadable or private.is_nameless(read.status, read.generator),
        case
            when private.is_nameless(read.status, read.generator) then array_prepend('generator_used', read.problems)
            else read.problems
        end,
        read.attempts
    from (
        select measured.*, private.label(measured.generator_said) as generator
        from private.generation_measures(p_action, p_at, p_details) as measured
        offset 0
    ) as read
$$;

revoke all on function private.generation_facts(text, timestamptz, jsonb) from public, anon, authenticated;


-- Returns the verdict that an event holds, an agent run or a user's rating: one row for each such event, none for any
-- other.
--
-- good: whether the run succeeded or the rating was good; null if the event cannot be read.
-- source: as for a generation; sample verdicts judge sample generations only.
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

revoke all on function private.verdict_facts(text, timestamptz, text, jsonb) from public, anon, authenticated;


-- Returns whether an event is the estimate recorded for a generation whose process died.
create function private.is_estimate(p_action text, p_details jsonb) returns boolean
language sql immutable
as $$
    select p_action = 'WORKFLOW_GENERATION_CANCELLED' and coalesce(p_details ->> 'cause' = 'interrupted', false)
$$;

revoke all on function private.is_estimate(text, jsonb) from public, anon, authenticated;
