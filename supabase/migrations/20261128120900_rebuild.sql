-- Corrections to the counters after the fact.
-- The real result of a generation that was closed as interrupted supersedes the estimate: its event says `supersedes`;
-- the estimate stays in the log but no longer counts. A rebuild counts the whole log again, with the same triggers that
-- keep the counters.

-- Serves the check whether an event was superseded; holds next to nothing.
create index audit_logs_superseding on public.audit_logs ((details ->> 'supersedes')) where details ->> 'supersedes' is not null;

create unlogged table private.replayed_events (like public.audit_logs);
comment on table private.replayed_events is
    'Empty except during a rebuild, when the log''s events pass through it to be counted.';
alter table private.replayed_events enable row level security;
revoke all on private.replayed_events from public, anon, authenticated;

create trigger roll_up_generations
after insert on private.replayed_events
referencing new table as appended
for each statement execute function private.roll_up_generations();

create trigger roll_up_verdicts
after insert on private.replayed_events
referencing new table as appended
for each statement execute function private.roll_up_verdicts();


-- Returns whether an event is an estimate that has been superseded and no longer counts.
create function private.is_superseded(p_id uuid, p_action text, p_details jsonb) returns boolean
language sql stable
as $$
    select private.is_estimate(p_action, p_details)
        and exists (select from public.audit_logs as later where later.details ->> 'supersedes' = p_id::text)
$$;

revoke all on function private.is_superseded(uuid, text, jsonb) from public, anon, authenticated;


-- Subtracts these estimates from the counters. Like all cancelled generations, they are only in
-- public.generation_rollups.
create function private.take_back(p_estimates uuid[]) returns void
language sql
set search_path = ''
as $$
    with taken as (
        select
            slot.grain, slot.slot, fact.source, fact.overridden, fact.origin, fact.primary_model,
            count(*) as generations,
            count(*) filter (where fact.regenerated) as regenerated,
            count(*) filter (where fact.unreadable) as unreadable,
            sum(fact.unpriced) as unpriced,
            coalesce(sum(fact.cost_usd), 0) as cost_usd,
            count(*) - count(fact.cost_usd) as without_cost,
            coalesce(sum(fact.wasted_usd), 0) as wasted_usd,
            count(*) - count(fact.wasted_usd) as without_waste
        from public.audit_logs as estimate
        cross join lateral private.generation_facts(estimate.action, estimate.timestamp, estimate.details) as fact
        cross join lateral private.slots(date_bin('15 minutes', fact.moment, '2000-01-01 00:00:00+00')) as slot
        where estimate.id = any (p_estimates)
        group by slot.grain, slot.slot, fact.source, fact.overridden, fact.origin, fact.primary_model
    ),

    lessened as (
        update public.generation_rollups as rollup
        set
            generations = rollup.generations - taken.generations,
            regenerated = rollup.regenerated - taken.regenerated,
            unreadable = rollup.unreadable - taken.unreadable,
            unpriced = rollup.unpriced - taken.unpriced,
            cost_usd = rollup.cost_usd - taken.cost_usd,
            without_cost = rollup.without_cost - taken.without_cost,
            wasted_usd = rollup.wasted_usd - taken.wasted_usd,
            without_waste = rollup.without_waste - taken.without_waste
        from taken
        where rollup.grain = taken.grain
            and rollup.slot = taken.slot
            and rollup.source = taken.source
            and rollup.overridden = taken.overridden
            and rollup.origin is not distinct from taken.origin
            and rollup.status = 'cancelled'
            and rollup.primary_model is not distinct from taken.primary_model
            and rollup.generator is null
            and rollup.fallback_reason is null
        returning 1
    )

    select count(*) from lessened;

    -- A row that counts nothing would look as if something had happened.
    delete from public.generation_rollups as rollup
    using public.audit_logs as estimate, private.slots(date_bin('15 minutes', estimate.timestamp, '2000-01-01 00:00:00+00')) as slot
    where estimate.id = any (p_estimates)
        and rollup.grain = slot.grain
        and rollup.slot = slot.slot
        and rollup.status = 'cancelled'
        and rollup.generations = 0;
$$;

revoke all on function private.take_back(uuid[]) from public, anon, authenticated;


-- Trigger function that takes back each estimate once, when the later of two events has arrived: the estimate or the
-- event that supersedes it.
create function private.take_back_estimates() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
    estimates uuid[];
begin
    -- Nearly every append contains neither.
    if not exists (
        select from appended where details ->> 'supersedes' is not null or private.is_estimate(action, details)
    ) then
        return null;
    end if;
    with named as (
        select private.uuid_or_null(details ->> 'supersedes') as id from appended
        union
        select id from appended
    )

    select array_agg(estimate.id order by estimate.id) into estimates
    from named
    join public.audit_logs as estimate using (id)
    where private.is_superseded(estimate.id, estimate.action, estimate.details)
        and (
            estimate.id in (select id from appended)
            or not exists (
                select from public.audit_logs as earlier
                where earlier.details ->> 'supersedes' = estimate.id::text
                    and earlier.id not in (select id from appended)
            )
        );

    if estimates is not null then
        perform private.take_back(estimates);
    end if;
    return null;
end
$$;

revoke all on function private.take_back_estimates() from public, anon, authenticated;


-- Counts the whole log again, except superseded estimates; returns {events, differences: {rollup: rows}}: how many rows
-- differ from what they were, {} if log and rollups agreed. Nothing can be appended meanwhile, and readers see the old
-- figures until it commits. To check only, roll the transaction back.
create function private.rebuild_rollups() returns jsonb
language plpgsql
set search_path = ''
set jit = off
as $$
declare
    rollups constant text[] := array[
        'generation_rollups', 'latency_rollups', 'attempt_rollups', 'finding_rollups', 'verdict_rollups'
    ];
    rollup text;
    ids uuid[];
    different bigint;
    differences jsonb := '{}';
begin
    lock table public.audit_logs in share row exclusive mode;
    -- Verdicts that have moved leave rows of zeros behind.
    delete from public.verdict_rollups where total = 0 and unreadable = 0;
    foreach rollup in array rollups loop
        execute format('create temporary table %I on commit drop as table public.%I', 'was_' || rollup, rollup);
        -- Not truncated: anyone reading figures meanwhile would have to wait until the end.
        execute format('delete from public.%I', rollup);
    end loop;

    -- In chronological order, so that each batch touches few slots.
    for ids in
        with numbered as (
            select id, row_number() over (order by timestamp, id) / 20000 as batch
            from public.audit_logs
        )

        select array_agg(id) from numbered group by batch order by batch
    loop
        insert into private.replayed_events
        select event.*
        from unnest(ids) as given (id)
        join public.audit_logs as event using (id)
        where not private.is_superseded(event.id, event.action, event.details);

        truncate private.replayed_events;
    end loop;

    foreach rollup in array rollups loop
        execute format(
            'select count(*) from ((table pg_temp.%1$I except table public.%2$I) union all (table public.%2$I except table pg_temp.%1$I)) as either',
            'was_' || rollup, rollup
        ) into different;
        if different > 0 then
            differences := differences || jsonb_build_object(rollup, different);
        end if;
        execute format('drop table pg_temp.%I', 'was_' || rollup);
    end loop;
    return jsonb_build_object('events', (select count(*) from public.audit_logs), 'differences', differences);
end
$$;

revoke all on function private.rebuild_rollups() from public, anon, authenticated;


-- Its name sorts last, so this trigger fires after the others: what it takes back has already been counted.
create trigger take_back_estimates
after insert on public.audit_logs
referencing new table as appended
for each statement execute function private.take_back_estimates();

-- An adopted log has events that nothing has counted yet.
select private.rebuild_rollups();
