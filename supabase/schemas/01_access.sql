-- Who may do what. Every public function checks it on each call, and row-level security reads the same rules.
-- Supabase gives every signed-in user the same database role, so the console keeps its own roles here. Deleting a row
-- revokes access at once, even while the user's token is still valid.

create schema if not exists private;
revoke all on schema private from public;
grant usage on schema private to authenticated;

create table public.console_roles (
    user_id uuid primary key references auth.users (id) on delete cascade,
    role text not null,
    granted_at timestamptz not null default now(),
    granted_by uuid,
    last_seen_at timestamptz,
    constraint console_roles_role_known check (role in ('admin', 'pm', 'engineer', 'orchestrator'))
);

comment on table public.console_roles is 'One row per person or machine that may use the console.';
comment on column public.console_roles.granted_by is 'The admin who gave the role; null if it was given in a terminal.';
comment on column public.console_roles.last_seen_at is 'When the person last used the console, within a minute.';

alter table public.console_roles enable row level security;
revoke all on public.console_roles from public, anon, authenticated;
grant select on public.console_roles to authenticated;

create policy own_role on public.console_roles
for select to authenticated
using (user_id = (select auth.uid()));

create table private.api_tokens (
    token_id uuid primary key default gen_random_uuid(),
    name text not null check (length(name) between 1 and 100),
    secret_sha256 text not null unique check (secret_sha256 ~ '^[0-9a-f]{64}$'),
    hint text not null check (length(hint) <= 20),
    scopes text[] not null,
    requests_per_minute integer not null check (requests_per_minute between 1 and 100000),
    created_at timestamptz not null default now(),
    created_by uuid,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by uuid
);

comment on table private.api_tokens is 'One row per API token, with a hash in place of its secret.';
comment on column private.api_tokens.hint is 'The first characters of the token, to recognize it by.';

alter table private.api_tokens enable row level security;
revoke all on private.api_tokens from public, anon, authenticated;


-- Returns what can be permitted: a name, its words in an error message, the roles that have it, and the scope that gives
-- it to an API token, null for none. This is the only place that says who may do what.
create function private.permissions()
returns table (permission text, words text, roles text[], scope text)
language sql immutable
set search_path = ''
as $$
    values
        ('read_figures', 'Reading figures', '{admin,pm,engineer}'::text[], 'report'),
        ('read_settings', 'Reading the settings', '{admin,pm,engineer,orchestrator}', 'report'),
        ('generate', 'Generating workflows', '{admin,engineer}', 'generate'),
        ('read_own_workflows', 'Reading one''s own workflows', '{admin,engineer}', 'generate'),
        ('read_all_workflows', 'Reading everybody''s workflows', '{admin}', null),
        ('change_settings', 'Changing settings', '{admin}', null),
        ('change_sample_data', 'Changing the sample data', '{admin}', null),
        ('manage_people', 'Managing roles and API tokens', '{admin}', null),
        ('read_audit_log', 'Reading the audit log', '{admin,pm}', null),
        ('erase_texts', 'Erasing prompts and outputs', '{admin}', null),
        ('record_executions', 'Recording runs of agents', '{orchestrator}', 'events'),
        ('record', 'Recording generations', '{orchestrator}', null),
        ('keep_sessions', 'Keeping sessions', '{orchestrator}', null)
$$;

revoke all on function private.permissions() from public, anon, authenticated;


-- Returns a user's console role; null for a user without one, and for one who is banned or deleted.
create function private.role_of(p_user_id uuid) returns text
language sql stable security definer
set search_path = ''
as $$
    select console_roles.role
    from public.console_roles
    join auth.users as users on users.id = console_roles.user_id
    where console_roles.user_id = p_user_id
        and (users.banned_until is null or users.banned_until <= now())
        and users.deleted_at is null
$$;

revoke all on function private.role_of(uuid) from public, anon, authenticated;


-- Returns the caller's console role; null for a caller without one.
create function private.console_role() returns text
language sql stable security definer
set search_path = ''
as $$
    select private.role_of(auth.uid())
$$;

revoke all on function private.console_role() from public, anon, authenticated;


-- Returns the hash of the API token for which the orchestrator calls; null if it, or anybody else, calls for itself.
-- The header reaches the database through PostgREST; it can only take permissions away from the orchestrator.
create function private.token_sha256() returns text
language sql stable
set search_path = ''
as $$
    select nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-console-token'
$$;

revoke all on function private.token_sha256() from public, anon, authenticated;


-- Returns the id of the API token for which the orchestrator calls; null if there is none, or if it was revoked.
create function private.api_token_id() returns uuid
language sql stable security definer
set search_path = ''
as $$
    select token_id
    from private.api_tokens
    where secret_sha256 = private.token_sha256()
        and revoked_at is null
        and private.console_role() = 'orchestrator'
$$;

revoke all on function private.api_token_id() from public, anon, authenticated;


-- Returns what the caller may do, by name; {} for nothing. A call for an API token has the permissions of its scopes.
create function private.caller_permissions() returns text[]
language sql stable security definer
set search_path = ''
as $$
    select coalesce(array_agg(permitted.permission), '{}')
    from private.permissions() as permitted
    where case
        when private.token_sha256() is null then private.console_role() = any (permitted.roles)
        else permitted.scope = any (
            (select scopes from private.api_tokens where token_id = private.api_token_id())::text[]
        )
    end
$$;

revoke all on function private.caller_permissions() from public, anon, authenticated;


-- Returns whether the caller may do this; see private.permissions for the names.
create function private.may(p_permission text) returns boolean
language sql stable security definer
set search_path = ''
as $$
    select p_permission = any (private.caller_permissions())
$$;

revoke all on function private.may(text) from public, anon;
grant execute on function private.may(text) to authenticated;


-- Raises PT403 with a sentence unless the caller may do this; PT401 for an API token that is unknown or revoked.
create function private.require(p_permission text) returns void
language plpgsql stable security definer
set search_path = ''
as $$
declare
    permitted record;
begin
    if private.may(p_permission) then
        return;
    end if;
    select * into strict permitted from private.permissions() where permission = p_permission;
    if private.token_sha256() is null then
        raise exception using
            errcode = 'PT403',
            message = permitted.words || ' needs the role ' || array_to_string(permitted.roles, ' or ')
                || '; ask an admin for it.';
    elsif private.api_token_id() is null then
        raise exception using errcode = 'PT401', message = 'This API token is unknown or was revoked.';
    end if;
    raise exception using
        errcode = 'PT403',
        message = permitted.words || case
            when permitted.scope is null then ' is not for API tokens; sign in instead.'
            else ' needs an API token with the scope ' || permitted.scope || '; ask an admin for one.'
        end;
end
$$;

revoke all on function private.require(text) from public, anon, authenticated;


-- Returns whether a user may do this.
create function private.user_may(p_user_id uuid, p_permission text) returns boolean
language sql stable security definer
set search_path = ''
as $$
    select private.role_of(p_user_id) = any (permitted.roles)
    from private.permissions() as permitted
    where permitted.permission = p_permission
$$;

revoke all on function private.user_may(uuid, text) from public, anon, authenticated;


-- Returns whether whoever is named as the actor of a generation may generate, by either id. A user of this project needs
-- the permission, an API token the scope; any other id belongs to a platform, which answers for its own users.
create function private.actor_may_generate(p_user_id uuid, p_actor_id text) returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
    return not exists (
        select from auth.users
        where id in (p_user_id, private.uuid_or_null(p_actor_id)) and private.user_may(id, 'generate') is not true
    )
    and (
        coalesce(p_actor_id, '') not like 'token:%'
        or exists (
            select from private.api_tokens
            where 'token:' || token_id = p_actor_id and revoked_at is null and 'generate' = any (scopes)
        )
    );
end
$$;

revoke all on function private.actor_may_generate(uuid, text) from public, anon, authenticated;


-- Returns whose workflows the caller may read: * for everybody's, otherwise the id of the actor; null for nobody's.
create function private.readable_actor() returns text
language sql stable security definer
set search_path = ''
as $$
    select case
        when private.may('read_all_workflows') then '*'
        when private.may('read_own_workflows') then coalesce('token:' || private.api_token_id(), auth.uid()::text)
    end
$$;

revoke all on function private.readable_actor() from public, anon;
grant execute on function private.readable_actor() to authenticated;


-- Returns whether a user has a second factor.
create function private.has_second_factor(p_user_id uuid) returns boolean
language sql stable security definer
set search_path = ''
as $$
    select exists (select from auth.mfa_factors where user_id = p_user_id and status = 'verified')
$$;

revoke all on function private.has_second_factor(uuid) from public, anon, authenticated;


-- Raises PT403 if the caller has a second factor but has not used it in this session.
create function private.require_second_factor() returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
    if auth.jwt() ->> 'aal' is distinct from 'aal2' and private.has_second_factor(auth.uid()) then
        raise exception using
            errcode = 'PT403',
            message = 'This needs your second factor: sign out, and sign in again with its code.';
    end if;
end
$$;

revoke all on function private.require_second_factor() from public, anon, authenticated;


-- Raises PT400 with the complaint, one sentence, unless the condition is true; null counts as false.
create function private.refuse_unless(plausible boolean, complaint text) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
    if plausible is not true then
        raise exception using errcode = 'PT400', message = complaint;
    end if;
end
$$;

revoke all on function private.refuse_unless(boolean, text) from public, anon, authenticated;


-- Raises PT400 for filters and limits larger than any page needs.
create function private.refuse_large(p_filters jsonb, p_limit integer) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
    perform private.refuse_unless(coalesce(pg_column_size(p_filters), 0) <= 10000, 'These filters are too large.');
    perform private.refuse_unless(p_limit between 1 and 100000, 'A list has 1 to 100,000 rows.');
end
$$;

revoke all on function private.refuse_large(jsonb, integer) from public, anon, authenticated;


-- Returns {} to a caller who may do this; raises what private.require raises to any other.
create function public.check_permission(p_permission text) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.refuse_unless(
        exists (select from private.permissions() where permission = p_permission), 'There is no such permission.'
    );
    perform private.require(p_permission);
    return '{}';
end
$$;

revoke all on function public.check_permission(text) from public, anon;
grant execute on function public.check_permission(text) to authenticated;


-- Returns the caller as {user_id, email, role, permissions, token_id}: role is null for a user without a console role,
-- token_id for a call that is not for an API token.
create function public.whoami() returns jsonb
language sql stable security definer
set search_path = ''
as $$
    select jsonb_build_object(
        'user_id', auth.uid(),
        'email', (select users.email from auth.users where users.id = auth.uid()),
        'role', private.console_role(),
        'permissions', to_jsonb(private.caller_permissions()),
        'token_id', private.api_token_id()
    )
$$;

revoke all on function public.whoami() from public, anon;
grant execute on function public.whoami() to authenticated;
