-- The audit log: one row per event, appended and never changed. It holds ids and figures, never what people typed or
-- models wrote. An existing table of this name from an earlier system is adopted with its rows; missing columns are
-- added.

create table if not exists public.audit_logs (
    id uuid primary key default gen_random_uuid(),
    timestamp timestamptz default now(),
    user_id uuid,
    action text not null,
    entity_type text,
    entity_id text,
    details jsonb default '{}',
    severity text default 'info',
    compliance_flags text[] default '{}'
);

alter table public.audit_logs
    add column if not exists actor_id text,
    add column if not exists resource_name text,
    add column if not exists changes jsonb,
    add column if not exists ip_address text,
    add column if not exists user_agent text,
    add column if not exists session_id text,
    alter column id set default gen_random_uuid(),
    alter column timestamp set default now(),
    alter column details set default '{}',
    alter column severity set default 'info',
    alter column compliance_flags set default '{}';

-- Not validated, so that rows from the earlier system stay as they are.
alter table public.audit_logs
    add constraint audit_logs_severity_known check (severity in ('info', 'warning', 'critical')) not valid;

comment on table public.audit_logs is 'One row per event; append-only.';
comment on column public.audit_logs.actor_id is
    'Who acted, if that is not a user id of this project, or in addition to user_id.';
comment on column public.audit_logs.details is 'Ids and figures of the event; money is an exact number in US dollars.';
comment on column public.audit_logs.changes is 'Before and after of each changed key: {key: {before, after}}.';

-- Serves the audit log page and every filter by period.
create index if not exists audit_logs_by_time on public.audit_logs (timestamp desc, id);
-- Serves figures about one kind of event over a period.
create index if not exists audit_logs_by_action on public.audit_logs (action, timestamp desc);

-- An adopted table may have policies that let anyone in, so all its policies are dropped.
do $$
declare
    found record;
begin
    for found in
        select policyname from pg_policies where schemaname = 'public' and tablename = 'audit_logs'
    loop
        execute format('drop policy %I on public.audit_logs', found.policyname);
    end loop;
end
$$;

alter table public.audit_logs enable row level security;
revoke all on public.audit_logs from public, anon, authenticated;
grant select on public.audit_logs to authenticated;

create policy own_events_or_all on public.audit_logs
for select to authenticated
using (
    (select private.may('read_audit_log'))
    or (user_id = (select auth.uid()) and (select private.may('read_own_workflows')))
);


-- Trigger function that rejects every update, delete and truncate, even by the table's owner. Only sample rows can be
-- deleted, and only while console.removes_sample is on.
create function private.refuse_audit_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if tg_op = 'DELETE'
        and old.details ->> 'sample' = 'true'
        and current_setting('console.removes_sample', true) = 'on'
    then
        return old;
    end if;
    raise exception using errcode = 'PT403', message = 'The audit log is append-only: no event can be changed or removed.';
end
$$;

revoke all on function private.refuse_audit_change() from public, anon, authenticated;


-- Appends events in one statement; returns how many were new. The events are an array of objects keyed by column name.
-- An event whose id is already in the log is skipped, so that a delivery can be repeated.
create function private.append_events(events jsonb) returns integer
language sql
set search_path = ''
as $$
    with appended as (
        insert into public.audit_logs (
            id, timestamp, user_id, actor_id, action, entity_type, entity_id, resource_name, details, changes, severity,
            compliance_flags, ip_address, user_agent, session_id
        )
        select
            event.id,
            coalesce(event.timestamp, now()),
            event.user_id,
            event.actor_id,
            event.action,
            event.entity_type,
            event.entity_id,
            event.resource_name,
            coalesce(event.details, '{}'),
            event.changes,
            coalesce(event.severity, 'info'),
            coalesce(event.compliance_flags, '{}'),
            event.ip_address,
            event.user_agent,
            event.session_id
        from jsonb_populate_recordset(null::public.audit_logs, events) as event
        on conflict (id) do nothing
        returning 1
    )

    select count(*)::integer from appended
$$;

revoke all on function private.append_events(jsonb) from public, anon, authenticated;


create trigger append_only
before update or delete on public.audit_logs
for each row execute function private.refuse_audit_change();

create trigger append_only_truncate
before truncate on public.audit_logs
for each statement execute function private.refuse_audit_change();
