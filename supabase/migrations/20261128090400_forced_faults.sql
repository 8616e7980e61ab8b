-- A failure that was asked for says nothing about a model: like a run with models of its own it is left out of every rate that is
-- judged, and counted apart.

-- Whether a generation is left out of the rates that are judged: its models were chosen for it alone, or a failure was asked for.
create function private.is_left_out(overridden text, forced_fault text) returns boolean
language sql immutable
as $$
    select coalesce(overridden = 'true', false) or forced_fault is not null
$$;

revoke all on function private.is_left_out(text, text) from public, anon, authenticated;


-- What each event about a generation says, one row for each, none for any other.
--
-- Without a generation_id an event comes from elsewhere: its baseline is its tokens at the baseline model's price of the
-- day, its waste what it cost beyond its tokens at its generator's price, never below 0. The earlier system named the
-- generator `generator`; where its tokens_used is one number, baseline and waste are unknown.
--
-- overridden: left out of rates that are judged (private.is_left_out).
-- outcome: completed, failed or cancelled; null for a FALLBACK, which ends nothing.
-- first_model_said: of the model asked first; null where that cannot be told.
-- generator_said, reason_said: of a completed generation; names of models are for private.label, the reason is for
-- private.fallback_reason, prompt_version_said for private.prompt_version.
-- unpriced_said: attempts without a known price, for private.unpriced; cost_usd is then the known part.
-- unreadable: whether `problems`, the names of the fields that cannot be read, is not empty. A nameless generation adds its
-- own (private.is_nameless).
-- attempts: the model calls that count in rates, each once: [{model, outcome, refused_for, cost_usd, duration_ms,
-- finding_codes}]. This orchestrator lists them in GENERATED and FAILED, and what was cancelled counts in no rate; from
-- elsewhere, a GENERATED is a success of its generator and a FALLBACK a failure of its primary model.
create or replace function private.generation_measures(p_action text, p_at timestamptz, p_details jsonb)
returns table (
    moment timestamptz,
    outcome text,
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
        read.outcome,
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
            when read.outcome = 'completed'
            then private.beyond(
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
            or read.outcome = 'completed' and read.cost_usd is null
            or read.wasted_given and (read.wasted_usd <= read.cost_usd) is not true
            or read.latency_given and read.latency_ms is null
            or read.own and not read.attempts_listed,
        array_remove(array[
            case when read.moment is null then 'timestamp' end,
            case when read.outcome = 'completed' and read.cost_usd is null then 'cost_usd' end,
            case when read.wasted_given and (read.wasted_usd <= read.cost_usd) is not true then 'wasted_cost_usd' end,
            case when read.latency_given and read.latency_ms is null then 'generation_time_ms' end,
            case when read.own and not read.attempts_listed then 'attempts' end
        ], null),
        case
            when read.own then
                case when read.outcome <> 'cancelled' and read.attempts_listed then read.attempts end
            when read.outcome = 'completed' then jsonb_build_array(jsonb_build_object('model', read.generator_said, 'outcome', 'succeeded'))
            when read.outcome is null then jsonb_build_array(jsonb_build_object(
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
            end as outcome,
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
                -- An only attempt that has a model is an object.
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
                -- Without a fence each use of a field would read it again; so here and below.
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


-- The slot and keys under which a verdict counts, p_generation being the details of the generation that it judges, if known.
create or replace function private.verdict_key(p_kind text, p_moment timestamptz, p_source text, p_generation jsonb)
returns table (
    quarter timestamptz, source text, overridden boolean, origin text, kind text, generator text
)
language sql immutable
as $$
    select
        date_bin('15 minutes', p_moment, '2000-01-01 00:00:00+00'),
        case
            when p_generation is null then p_source
            else private.event_source(p_generation ->> 'sample', p_generation ->> 'simulated')
        end,
        private.is_left_out(p_generation ->> 'overridden', p_generation ->> 'forced_fault'),
        private.event_origin(p_generation ->> 'origin'),
        p_kind,
        private.label(coalesce(p_generation ->> 'generator_used', p_generation ->> 'generator'))
$$;


-- Whether the event of a completed generation is asked for by source, origin, the model that was asked first, which is the
-- one that the figures count it for, and by whether its models were chosen for it alone.
create or replace function private.is_event_asked_for(p_filters jsonb, p_details jsonb) returns boolean
language sql stable
as $$
    select private.is_asked_for(
            p_filters,
            private.event_source(p_details ->> 'sample', p_details ->> 'simulated'),
            private.event_origin(p_details ->> 'origin')
        )
        and (
            p_filters ->> 'overridden' is null
            or private.is_left_out(p_details ->> 'overridden', p_details ->> 'forced_fault') = (p_filters ->> 'overridden')::boolean
        )
        and (
            p_filters ->> 'primary_model' is null
            or p_filters ->> 'primary_model' = (
                select coalesce(fact.primary_model, '')
                from private.generation_facts('WORKFLOW_GENERATED', null, p_details) as fact
            )
        )
$$;
