-- People: who has which role, and who asks for one.

create table public.access_requests (
    user_id uuid primary key references auth.users (id) on delete cascade,
    requested_at timestamptz not null default now()
);

comment on table public.access_requests is 'One row per user who signed in without a role and waits for one.';

alter table public.access_requests enable row level security;
revoke all on public.access_requests from public, anon, authenticated;


-- Appends an event about the console itself, by the caller; returns its id.
-- p_event: {action, entity_type, entity_id, severity, details, changes, ip_address, user_agent, session_id}, each but the
-- action optional.
create function private.append_console_event(p_event jsonb) returns uuid
language plpgsql
set search_path = ''
as $$
declare
    event_id uuid := gen_random_uuid();
begin
    perform private.append_events(jsonb_build_array(
        jsonb_build_object(
            'user_id', auth.uid(),
            'actor_id', coalesce('token:' || private.api_token_id(), auth.uid()::text, session_user::text)
        )
        || p_event
        || jsonb_build_object('id', event_id, 'compliance_flags', array['SOC2'])
    ));
    return event_id;
end
$$;

revoke all on function private.append_console_event(jsonb) from public, anon, authenticated;


-- Gives a user a role, or withdraws it if p_role is null, and appends an event; nothing happens if they have it already.
-- Raises PT400 if the console would lose its last admin.
create function private.change_role(p_user_id uuid, p_role text) returns void
language plpgsql
set search_path = ''
as $$
declare
    before text;
begin
    -- Two admins who withdraw each other's role at the same time must not both succeed.
    perform pg_advisory_xact_lock(20261128, 1);
    select role into before from public.console_roles where user_id = p_user_id;
    if before is not distinct from p_role then
        return;
    end if;
    perform private.refuse_unless(
        before is distinct from 'admin' or exists (
            select from public.console_roles
            where private.role_of(user_id) = 'admin' and user_id <> p_user_id
        ),
        'The console needs an admin; make somebody else an admin first.'
    );

    if p_role is null then
        delete from public.console_roles where user_id = p_user_id;
    else
        insert into public.console_roles (user_id, role, granted_by)
        values (p_user_id, p_role, auth.uid())
        on conflict (user_id) do update
        set role = excluded.role, granted_by = excluded.granted_by, granted_at = now();
    end if;
    delete from public.access_requests where user_id = p_user_id;

    perform private.append_console_event(jsonb_build_object(
        'action', 'CONSOLE_ROLE_CHANGED',
        'entity_type', 'person',
        'entity_id', p_user_id,
        'severity', 'warning',
        'changes', jsonb_build_object('role', jsonb_build_object('before', before, 'after', p_role))
    ));
end
$$;

revoke all on function private.change_role(uuid, text) from public, anon, authenticated;


-- Asks for a role, for a caller without one; returns {}. Asking again changes nothing.
create function public.request_access() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    if auth.uid() is not null and private.console_role() is null then
        insert into public.access_requests (user_id)
        select id from auth.users where id = auth.uid()
        on conflict (user_id) do nothing;
    end if;
    return '{}';
end
$$;

revoke all on function public.request_access() from public, anon;
grant execute on function public.request_access() to authenticated;


-- Returns everybody who has a role or waits for one, those who wait first: [{user_id, email, role, granted_at, granted_by,
-- last_seen_at, requested_at, second_factor, blocked}]. granted_by is an e-mail address; blocked: banned or deleted in
-- Supabase Auth.
create function public.list_people() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('manage_people');
    return (
        with people as (
            select
                users.id as user_id,
                users.email,
                console_roles.role,
                console_roles.granted_at,
                granter.email as granted_by,
                console_roles.last_seen_at,
                case when console_roles.role is null then access_requests.requested_at end as requested_at,
                private.has_second_factor(users.id) as second_factor,
                coalesce(users.banned_until > now(), false) or users.deleted_at is not null as blocked
            from auth.users as users
            left join public.console_roles on console_roles.user_id = users.id
            left join public.access_requests on access_requests.user_id = users.id
            left join auth.users as granter on granter.id = console_roles.granted_by
            where console_roles.user_id is not null or access_requests.user_id is not null
        )

        select coalesce(jsonb_agg(to_jsonb(people) order by requested_at nulls last, email, user_id), '[]')
        from people
    );
end
$$;

revoke all on function public.list_people() from public, anon;
grant execute on function public.list_people() to authenticated;


-- Gives a person a role, or withdraws it; returns {}. Admins only, with their second factor if they have one.
-- p_person: user id or e-mail address.
-- p_role: admin, pm or engineer; null to withdraw it. The orchestrator's role is given in a terminal.
create function public.set_role(p_person text, p_role text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    found uuid[];
    person uuid;
begin
    perform private.require('manage_people');
    perform private.require_second_factor();
    perform private.refuse_unless(
        p_role is null or p_role in ('admin', 'pm', 'engineer'), 'A person''s role is admin, pm or engineer.'
    );
    select array_agg(id) into found
    from auth.users
    where id::text = lower(trim(p_person)) or (lower(email) = lower(trim(p_person)) and deleted_at is null);
    perform private.refuse_unless(
        found is not null, 'The project has no user with this e-mail address; invite them in Supabase Auth first.'
    );
    perform private.refuse_unless(
        cardinality(found) = 1, 'Several users of the project have this e-mail address; name the one you mean by their id.'
    );
    person := found[1];
    perform private.refuse_unless(
        not exists (select from public.console_roles where user_id = person and role = 'orchestrator'),
        'This is the orchestrator''s own user; change its role in a terminal: python -m store grant'
    );
    perform private.change_role(person, p_role);
    return '{}';
end
$$;

revoke all on function public.set_role(text, text) from public, anon;
grant execute on function public.set_role(text, text) to authenticated;
