-- Another system's save may call its version anything: what is no number is null.

-- The saves of the system keys from three days before the first bound to the last, the latest 200: {at, by, changes, version,
-- sample}.
create or replace function private.changes_between(p_bounds jsonb, p_filters jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
    return (
        with saves as (
            select
                event.timestamp as at,
                coalesce(users.email, event.actor_id) as by,
                shown.changes,
                trunc(private.amount(event.details -> 'version', 1e9))::bigint as version,
                event.details ->> 'sample' is not distinct from 'true' as sample
            from public.audit_logs as event
            left join auth.users as users on users.id::text = event.actor_id
            -- Of an earlier system's events too, the system keys alone: others may be secrets.
            cross join lateral (
                select jsonb_object_agg(change.key, change.value) as changes
                from jsonb_each(case when jsonb_typeof(event.changes) = 'object' then event.changes end) as change
                where change.key like 'orchestrator\_%'
            ) as shown
            where event.action = 'SYSTEM_CONFIG_UPDATED'
                and event.timestamp >= (p_bounds ->> 0)::timestamptz - interval '3 days'
                and event.timestamp < (p_bounds ->> -1)::timestamptz
                and shown.changes is not null
                and (p_filters ->> 'source' is distinct from 'real' or event.details ->> 'sample' is distinct from 'true')
            order by event.timestamp desc
            limit 200
        )

        select coalesce(jsonb_agg(to_jsonb(saves) order by at), '[]') from saves
    );
end
$$;

revoke all on function private.changes_between(jsonb, jsonb) from public, anon, authenticated;
