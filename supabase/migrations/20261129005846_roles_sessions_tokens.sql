-- Roles become admin, pm and engineer for people; a member becomes an engineer.
alter table public.console_roles drop constraint console_roles_role_check;
update public.console_roles set role = 'engineer' where role = 'member';
alter table public.console_roles
    add constraint console_roles_role_known check (role in ('admin', 'pm', 'engineer', 'orchestrator')),
    add column granted_by uuid,
    add column last_seen_at timestamptz;
comment on table public.console_roles is 'One row per person or machine that may use the console.';
comment on column public.console_roles.granted_by is 'The admin who gave the role; null if it was given in a terminal.';
comment on column public.console_roles.last_seen_at is 'When the person last used the console, within a minute.';

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

alter table public.workflows add column erased_at timestamptz, add column start_id uuid;
comment on column public.workflows.start_id is
    'Which of several tries to start this generation it was: the withdrawal of another one does not end it.';
create table public.access_requests (
    user_id uuid primary key references auth.users (id) on delete cascade,
    requested_at timestamptz not null default now()
);

comment on table public.access_requests is 'One row per user who signed in without a role and waits for one.';

alter table public.access_requests enable row level security;
revoke all on public.access_requests from public, anon, authenticated;

create table private.sessions (
    session_sha256 text primary key check (session_sha256 ~ '^[0-9a-f]{64}$'),
    user_id uuid not null references auth.users (id) on delete cascade,
    sealed_tokens text not null check (length(sealed_tokens) <= 50000),
    version integer not null default 1,
    access_ends_at timestamptz not null,
    renewal_ends_at timestamptz,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    ends_at timestamptz not null
);

comment on table private.sessions is 'One row per browser that is signed in.';
comment on column private.sessions.version is 'Counts the renewals of the tokens.';
comment on column private.sessions.renewal_ends_at is
    'Until then one process has the tokens'' renewal to itself; null if none does.';
comment on column private.sessions.ends_at is 'The absolute end, however much the session is used.';

create index sessions_by_user on private.sessions (user_id);
-- Serves the removal of sessions that have ended.
create index sessions_by_end on private.sessions (ends_at);

alter table private.sessions enable row level security;
revoke all on private.sessions from public, anon, authenticated;

create table private.request_minutes (
    caller text primary key,
    minute timestamptz not null,
    requests integer not null
);

comment on table private.request_minutes is 'How many requests a caller has made in the latest minute it made one.';

alter table private.request_minutes enable row level security;
revoke all on private.request_minutes from public, anon, authenticated;

create index audit_logs_by_entity on public.audit_logs (entity_id, timestamp desc);
-- Serves the events by one person or token.
create index audit_logs_by_actor on public.audit_logs (coalesce(actor_id, user_id::text), timestamp desc);

create table private.text_retention (
    is_only_row boolean primary key default true check (is_only_row),
    days integer check (days between 1 and 36500)
);

comment on table private.text_retention is
    'After how many days prompts and outputs are erased by themselves; null for never. One row.';

alter table private.text_retention enable row level security;
revoke all on private.text_retention from public, anon, authenticated;

insert into private.text_retention (days) values (null);

create table private.sign_in_attempts (
    subject text primary key,
    attempts integer not null,
    latest_at timestamptz not null
);

comment on table private.sign_in_attempts is
    'How often somebody tried lately to sign in from an address, or to an account, in vain; both are hashes.';

create table private.unfinished_sign_ins (
    secret_sha256 text primary key check (secret_sha256 ~ '^[0-9a-f]{64}$'),
    sealed text not null check (length(sealed) <= 50000),
    ends_at timestamptz not null
);

comment on table private.unfinished_sign_ins is 'One row per browser that is between two steps of signing in.';

alter table private.sign_in_attempts enable row level security;
alter table private.unfinished_sign_ins enable row level security;
revoke all on private.sign_in_attempts, private.unfinished_sign_ins from public, anon, authenticated;


-- Returns what can be permitted: a name, its words in an error message, the roles that have it, and the scope that gives
-- it to an API token, null for none. This is the only place that says who may do what.
create or replace function private.permissions()
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
create or replace function private.role_of(p_user_id uuid) returns text
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
create or replace function private.console_role() returns text
language sql stable security definer
set search_path = ''
as $$
    select private.role_of(auth.uid())
$$;

revoke all on function private.console_role() from public, anon, authenticated;


-- Returns the hash of the API token for which the orchestrator calls; null if it, or anybody else, calls for itself.
-- The header reaches the database through PostgREST; it can only take permissions away from the orchestrator.
create or replace function private.token_sha256() returns text
language sql stable
set search_path = ''
as $$
    select nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-console-token'
$$;

revoke all on function private.token_sha256() from public, anon, authenticated;


-- Returns the id of the API token for which the orchestrator calls; null if there is none, or if it was revoked.
create or replace function private.api_token_id() returns uuid
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
create or replace function private.caller_permissions() returns text[]
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
create or replace function private.may(p_permission text) returns boolean
language sql stable security definer
set search_path = ''
as $$
    select p_permission = any (private.caller_permissions())
$$;

revoke all on function private.may(text) from public, anon;
grant execute on function private.may(text) to authenticated;


-- Raises PT403 with a sentence unless the caller may do this; PT401 for an API token that is unknown or revoked.
create or replace function private.require(p_permission text) returns void
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
create or replace function private.user_may(p_user_id uuid, p_permission text) returns boolean
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
create or replace function private.actor_may_generate(p_user_id uuid, p_actor_id text) returns boolean
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
create or replace function private.readable_actor() returns text
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
create or replace function private.has_second_factor(p_user_id uuid) returns boolean
language sql stable security definer
set search_path = ''
as $$
    select exists (select from auth.mfa_factors where user_id = p_user_id and status = 'verified')
$$;

revoke all on function private.has_second_factor(uuid) from public, anon, authenticated;


-- Raises PT403 if the caller has a second factor but has not used it in this session.
create or replace function private.require_second_factor() returns void
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


-- Returns {} to a caller who may do this; raises what private.require raises to any other.
create or replace function public.check_permission(p_permission text) returns jsonb
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
create or replace function public.whoami() returns jsonb
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


-- Appends events in one statement; returns how many were new. The events are an array of objects keyed by column name.
-- An event whose id is already in the log is skipped, so that a delivery can be repeated.
create or replace function private.append_events(events jsonb) returns integer
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


-- Returns a snapshot of the configuration: {version, settings: {key: {value, updated_at, updated_by, version}}}.
create or replace function public.get_settings() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_settings');
    return (
        select jsonb_build_object(
            'version', private.settings_version(),
            'settings', coalesce(jsonb_object_agg(key, jsonb_build_object(
                'value', value,
                'updated_at', updated_at,
                'updated_by', updated_by,
                'version', version
            )), '{}')
        )
        from public.system_settings_config
        where key = any (private.setting_keys())
    );
end
$$;

revoke all on function public.get_settings() from public, anon;
grant execute on function public.get_settings() to authenticated;


-- Changes several keys at once and returns the new configuration, as get_settings does. Admins only. Missing keys are
-- added. Nothing is written if a value is invalid, if somebody else has saved in the meantime, or if nothing would
-- change.
-- p_expected_version: the version that the caller loaded; null skips the check.
-- p_reason: why, on one line of at most 200 characters, kept in the event; null or blank for none.
create or replace function public.save_settings(
    p_changes jsonb, p_expected_version bigint default null, p_reason text default null
) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    change record;
begin
    perform private.require('change_settings');
    perform private.require_second_factor();
    perform private.refuse_unless(
        coalesce(p_reason, '') !~ '[[:cntrl:]]' and length(coalesce(p_reason, '')) <= 200,
        'A reason is one line of at most 200 characters.'
    );
    perform set_config('console.reason', trim(coalesce(p_reason, '')), true);

    -- Lock the rows in a fixed order, so that concurrent saves wait for each other instead of deadlocking.
    perform from public.system_settings_config where key = any (private.setting_keys()) order by key for update;

    if p_expected_version <> private.settings_version() then
        raise exception using
            errcode = 'PT409',
            message = 'Somebody has changed the settings since you loaded them; load them again and repeat your change.';
    end if;

    for change in select * from jsonb_each(p_changes) loop
        perform private.check_setting(change.key, change.value);
    end loop;

    insert into public.system_settings_config as config (key, value, category, description)
    select key, coalesce(p_changes -> key, value), category, description
    from private.system_keys()
    on conflict (key) do update set value = excluded.value
    where p_changes ? excluded.key and config.value is distinct from excluded.value;

    return public.get_settings();
end
$$;

revoke all on function public.save_settings(jsonb, bigint, text) from public, anon;
grant execute on function public.save_settings(jsonb, bigint, text) to authenticated;


-- Returns the latest saves, newest first, at most p_limit: [{version, changed_at, changed_by, reason, changes: {key:
-- {before, after}}}]; [] if nothing was ever changed. changed_by is the user's email address if there is one, otherwise the id
-- or database role that was recorded.
create or replace function public.get_settings_history(p_limit integer default 50) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_settings');
    return (
        with saves as (
            select
                history.version,
                min(history.changed_at) as changed_at,
                min(history.changed_by) as changed_by,
                min(history.reason) as reason,
                jsonb_object_agg(
                    history.key, jsonb_build_object('before', history.before, 'after', history.after)
                ) as changes
            from public.system_settings_history as history
            where history.key like 'orchestrator\_%'
            group by history.version
            order by history.version desc
            limit p_limit
        ),

        named as (
            select
                saves.version,
                saves.changed_at,
                coalesce(users.email, saves.changed_by) as changed_by,
                saves.reason,
                saves.changes
            from saves
            left join auth.users as users on users.id::text = saves.changed_by
        )

        select coalesce(jsonb_agg(to_jsonb(named) order by named.version desc), '[]')
        from named
    );
end
$$;

revoke all on function public.get_settings_history(integer) from public, anon;
grant execute on function public.get_settings_history(integer) to authenticated;


-- Records that p_actor_id rated a workflow 1 (good) or 0 (bad); returns {}. For the orchestrator, which vouches for the
-- identity of p_actor_id.
create or replace function public.record_rating(p_generation_id uuid, p_actor_id uuid, p_score integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    run public.workflows;
begin
    perform private.require('record');
    if p_score not in (0, 1) then
        raise exception using errcode = 'PT400', message = 'A rating is 1 for good or 0 for bad.';
    end if;

    -- Lock the row, so that two simultaneous clicks make one rating.
    select * into run from public.workflows where generation_id = p_generation_id for update;
    if run.pilot_steps is null
        or private.user_may(p_actor_id, 'generate') is not true
        or not (run.user_id is not distinct from p_actor_id or private.user_may(p_actor_id, 'read_all_workflows'))
    then
        raise exception using errcode = 'PT403', message = 'There is no such workflow, or it is not yours to rate.';
    end if;
    if exists (
        select from public.audit_logs
        where action = 'WORKFLOW_RATED'
            and details ->> 'generation_id' = p_generation_id::text
            and user_id = p_actor_id
    ) then
        raise exception using errcode = 'PT409', message = 'You have rated this workflow already; ratings are not changed.';
    end if;

    perform private.append_events(jsonb_build_array(jsonb_build_object(
        'id', gen_random_uuid(),
        'action', 'WORKFLOW_RATED',
        'user_id', p_actor_id,
        'actor_id', p_actor_id,
        'entity_type', 'agent',
        'entity_id', run.agent_id,
        'details', jsonb_build_object('generation_id', p_generation_id, 'score', p_score, 'simulated', run.simulated)
            || case when run.sample then '{"sample": true}'::jsonb else '{}' end
    )));
    return '{}';
end
$$;

revoke all on function public.record_rating(uuid, uuid, integer) from public, anon;
grant execute on function public.record_rating(uuid, uuid, integer) to authenticated;


-- Closes all generations that are past their deadline, for the orchestrator; returns {closed}: how many.
create or replace function public.close_interrupted_generations() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('record');
    return jsonb_build_object('closed', private.close_overdue());
end
$$;

revoke all on function public.close_interrupted_generations() from public, anon;
grant execute on function public.close_interrupted_generations() to authenticated;


-- Records the start of a generation, before any model is asked; returns {}. Overdue generations are closed first.
-- p_generation: the JSON of a workflows row without its timestamps.
-- p_limit_s: the deadline, in seconds from now.
create or replace function public.start_generation(p_generation text, p_limit_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    generation public.workflows;
begin
    perform private.require('record');
    perform private.refuse_unless(octet_length(p_generation) <= 1000000, 'This generation is too large to record.');
    perform private.refuse_unless(p_limit_s between 0 and 86400, 'The deadline of a generation is at most a day away.');
    perform private.close_overdue();

    generation := jsonb_populate_record(null::public.workflows, p_generation::jsonb);
    if not private.actor_may_generate(generation.user_id, generation.actor_id) then
        raise exception using
            errcode = 'PT403',
            message = 'Generating workflows needs the role admin or engineer, or an API token for it; ask an admin.';
    end if;
    generation.started_at := now();
    insert into public.workflows (
        generation_id, user_id, actor_id, agent_id, origin, prompt, services, overridden, simulated,
        config_version, prompt_version, replaces_generation_id, started_at, deadline_at, events_if_interrupted, options,
        start_id
    )
    values (
        generation.generation_id, generation.user_id, generation.actor_id, generation.agent_id, generation.origin, generation.prompt,
        coalesce(generation.services, '{}'), coalesce(generation.overridden, false), coalesce(generation.simulated, false),
        generation.config_version, generation.prompt_version, generation.replaces_generation_id, generation.started_at,
        generation.started_at + p_limit_s * interval '1 second',
        private.checked_events(generation, coalesce(generation.events_if_interrupted, '[]')),
        coalesce(generation.options, '{}'),
        generation.start_id
    )
    on conflict (generation_id) do nothing;

    if not found then
        raise exception using
            errcode = 'PT409',
            message = 'A generation with this id already exists; leave the id out or choose another one.';
    end if;
    return '{}';
end
$$;

revoke all on function public.start_generation(text, integer) from public, anon;
grant execute on function public.start_generation(text, integer) to authenticated;


-- Records the events to append if the process dies from here on; returns {status}. Only a generation that is still
-- running may ask another model.
-- p_asked: whether that model has already been asked, while the database was unreachable. If the generation was closed
-- in the meantime, the estimate with this attempt then supersedes the one without it.
create or replace function public.note_progress(p_generation_id uuid, p_events_if_interrupted text, p_asked boolean) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    generation public.workflows;
    events jsonb;
begin
    perform private.require('record');
    perform private.refuse_unless(octet_length(p_events_if_interrupted) <= 1000000, 'These events are too large to record.');
    select * into generation from public.workflows where generation_id = p_generation_id for update;
    perform private.refuse_unless(generation.generation_id is not null, 'There is no generation with this id.');
    if generation.status not in ('running', 'interrupted') then
        return jsonb_build_object('status', generation.status);
    end if;

    events := private.checked_events(generation, p_events_if_interrupted::jsonb);
    if generation.status = 'interrupted' then
        if not p_asked or jsonb_array_length(private.ending_of(events) -> 'attempts') <= jsonb_array_length(generation.attempts) then
            return jsonb_build_object('status', generation.status);
        end if;
        events := private.superseding_events(events, generation.events_if_interrupted);
        perform private.append_events(events);
    end if;

    update public.workflows
    set
        events_if_interrupted = events,
        attempts = case generation.status when 'running' then generation.attempts else private.ending_of(events) -> 'attempts' end,
        cost_usd = case generation.status when 'running' then generation.cost_usd else (private.ending_of(events) ->> 'cost_usd')::numeric end
    where generation_id = p_generation_id;
    return jsonb_build_object('status', generation.status);
end
$$;

revoke all on function public.note_progress(uuid, text, boolean) from public, anon;
grant execute on function public.note_progress(uuid, text, boolean) to authenticated;


-- Records the result of a generation, its row and all its audit events, in one transaction.
-- p_record: {status, generator_used, pilot_steps, findings, rejected_outputs, figures, finished_at, events, start_id}.
-- Attempts and cost are taken from the event that says how the generation ended. Without events, no model was asked. With
-- a start_id, it is the withdrawal of that start, which ends no other.
-- A repeated call changes nothing. The result of a generation that was closed as interrupted in the meantime supersedes
-- the estimate.
-- Returns {status} as it now stands, null for a generation that was never started.
create or replace function public.finish_generation(p_generation_id uuid, p_record text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    record jsonb;
    generation public.workflows;
    events jsonb;
    ending jsonb;
begin
    perform private.require('record');
    perform private.refuse_unless(octet_length(p_record) <= 50000000, 'This result is too large to record.');
    record := p_record::jsonb;
    select * into generation from public.workflows where generation_id = p_generation_id for update;
    if generation.generation_id is null then
        perform private.refuse_unless(
            jsonb_typeof(record -> 'events') = 'array' and jsonb_array_length(record -> 'events') = 0,
            'There is no generation with this id; only a generation that was started can end.'
        );
        return jsonb_build_object('status', null);
    end if;
    if generation.status not in ('running', 'interrupted')
        or (record ? 'start_id' and generation.start_id is distinct from (record ->> 'start_id')::uuid)
    then
        return jsonb_build_object('status', generation.status);
    end if;

    events := private.checked_events(generation, record -> 'events');
    ending := private.ending_of(events);
    perform private.refuse_unless(
        record ->> 'status' in ('succeeded', 'failed', 'cancelled')
        and (ending is not null or record ->> 'status' = 'cancelled'),
        'A generation ends as succeeded, failed or cancelled, with its event.'
    );
    -- If no model was asked, there is no event to supersede the estimate.
    if generation.status = 'interrupted' and ending is null then
        return jsonb_build_object('status', generation.status);
    end if;
    if generation.status = 'interrupted' then
        events := private.superseding_events(events, generation.events_if_interrupted);
    end if;

    update public.workflows
    set
        status = record ->> 'status',
        generator_used = record ->> 'generator_used',
        pilot_steps = nullif(record -> 'pilot_steps', 'null'),
        findings = coalesce(record -> 'findings', '[]'),
        rejected_outputs = coalesce(record -> 'rejected_outputs', '[]'),
        attempts = coalesce(ending -> 'attempts', '[]'),
        cost_usd = coalesce((ending ->> 'cost_usd')::numeric, 0),
        figures = coalesce(record -> 'figures', '{}'),
        finished_at = least(greatest((record ->> 'finished_at')::timestamptz, generation.started_at), now()),
        events_if_interrupted = '[]'
    where generation_id = p_generation_id;

    perform private.append_events(events);
    return jsonb_build_object('status', record ->> 'status');
end
$$;

revoke all on function public.finish_generation(uuid, text) from public, anon;
grant execute on function public.finish_generation(uuid, text) to authenticated;


-- Returns the sums of one report, for everyone with a console role.
--
-- p_bounds: see private.spans. p_filters: {source: all | real | simulated (including sample data), origin: null for
-- all, elsewhere for events that do not say}. p_parts: which of the parts generations, latencies, attempts, findings,
-- verdicts and changes are requested.
--
-- The result has `undated`, the number of generations that belong to no period, and each part as an array, [] if it is
-- not requested. Items, except those of changes, have the bin they belong to; money and milliseconds are text.
create or replace function public.get_figures(p_bounds jsonb, p_filters jsonb, p_parts jsonb) returns json
language plpgsql stable security definer
set search_path = ''
-- JIT-compiling a plan takes longer than running it.
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
    unasked constant json := '[]';
begin
    perform private.require('read_figures');
    perform private.refuse_large(p_filters, 1);
    perform private.refuse_unless(
        jsonb_typeof(p_bounds) = 'array' and jsonb_array_length(p_bounds) between 2 and 4000,
        'A period is at most ten years long.'
    );
    perform private.refuse_unless(pg_column_size(p_parts) <= 1000, 'These are not parts of a report.');
    return (
        select json_build_object(
            'undated', coalesce(sum(generations), 0),
            'generations', case when p_parts ? 'generations' then private.generations_between(p_bounds, p_filters) else unasked end,
            'latencies', case when p_parts ? 'latencies' then private.latencies_between(p_bounds, p_filters) else unasked end,
            'attempts', case when p_parts ? 'attempts' then private.attempts_between(p_bounds, p_filters) else unasked end,
            'findings', case when p_parts ? 'findings' then private.findings_between(p_bounds, p_filters) else unasked end,
            'verdicts', case when p_parts ? 'verdicts' then private.verdicts_between(p_bounds, p_filters) else unasked end,
            'changes', case when p_parts ? 'changes' then private.changes_between(p_bounds, p_filters) else unasked end
        )
        from public.generation_rollups
        where grain = 15 and slot is null
    );
end
$$;

revoke all on function public.get_figures(jsonb, jsonb, jsonb) from public, anon;
grant execute on function public.get_figures(jsonb, jsonb, jsonb) to authenticated;


-- Returns whether a generation's agent, id or, if the caller may read it, prompt contains the first 200 characters of a
-- text, ignoring case.
create or replace function private.mentions(p_text text, p_agent_id text, p_generation_id uuid) returns boolean
language sql stable
set search_path = ''
as $$
    select position(lower(left(p_text, 200)) in lower(coalesce(p_agent_id, ''))) > 0
        or coalesce(position(lower(left(p_text, 200)) in p_generation_id::text) > 0, false)
        or exists (
            select from public.workflows
            where generation_id = p_generation_id
                and private.readable_actor() in ('*', actor_id, user_id::text)
                and position(lower(left(p_text, 200)) in lower(prompt)) > 0
        )
$$;

revoke all on function private.mentions(text, text, uuid) from public, anon, authenticated;


-- Returns the latest ended generations from p_from to before p_to, newest first, at most p_limit.
--
-- p_filters: {source, origin} as for the figures; {status, primary_model, generator, fallback_reason, unreadable,
-- overridden, agent_id, search}, each null for all; {steps, services, latency_ms, cost_usd}_from and _to; before_at and
-- before_id, the last generation of the page before. The model '' is the unknown one. The fallback_reason `any` matches
-- generations with a fallback, `none` those without. overridden false matches only generations without overrides or a
-- forced fault. search matches what the prompt, the agent or the id contains.
-- The rollups tell which slots hold such generations; slots are read from the latest on until there are enough.
--
-- [{at, event_id, generation_id, agent_id, action, primary_model, generator, fallback_reason, cost_usd, wasted_usd,
-- latency_ms, steps, overridden, simulated, sample, problems, prompt}]; prompt: its first 200 characters, '' if it was
-- erased; null for a generation that is not stored here or that the caller may not open. Whoever may not read the audit
-- log learns only their own agents' ids.
create or replace function public.list_generations(p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 50)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
as $$
declare
    reads_all boolean := private.may('read_audit_log');
begin
    perform private.require('read_figures');
    perform private.refuse_large(p_filters, p_limit);
    return (
        with agent_slots as (
            select date_bin('15 minutes', timestamp, '2000-01-01 00:00:00+00') as slot
            from public.audit_logs
            where action = 'WORKFLOW_GENERATED'
                and entity_id = p_filters ->> 'agent_id'
                and timestamp >= p_from
                and timestamp < p_to
            union all
            select date_bin('15 minutes', timestamp, '2000-01-01 00:00:00+00')
            from public.audit_logs
            where action in ('WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED')
                and entity_id = p_filters ->> 'agent_id'
                and timestamp >= p_from
                and timestamp < p_to
        ),

        slots as (
            select distinct slot
            from public.generation_rollups
            where grain = 15
                and slot >= date_bin('15 minutes', p_from, '2000-01-01 00:00:00+00')
                and slot < p_to
                and private.generation_matches_filters(
                    p_filters, source, origin, overridden, status, primary_model, generator, fallback_reason, unreadable > 0
                )
                and (p_filters ->> 'before_at' is null or slot <= (p_filters ->> 'before_at')::timestamptz)
                and (p_filters ->> 'agent_id' is null or slot in (select slot from agent_slots))
            order by slot desc
        ),

        -- Slot by slot: no further slot is read once there are enough generations.
        listed as (
            select event.*
            from slots
            cross join lateral (
                select
                    logged.timestamp as at,
                    logged.id as event_id,
                    logged.details ->> 'generation_id' as generation_id,
                    case when named.shown then logged.entity_id end as agent_id,
                    logged.action,
                    fact.primary_model,
                    fact.generator,
                    fact.fallback_reason,
                    fact.cost_usd::text as cost_usd,
                    fact.wasted_usd::text as wasted_usd,
                    fact.latency_ms::text as latency_ms,
                    fact.steps,
                    fact.overridden,
                    fact.source <> 'real' as simulated,
                    fact.source = 'sample' as sample,
                    fact.problems
                from public.audit_logs as logged
                cross join lateral private.generation_facts(logged.action, logged.timestamp, logged.details) as fact
                cross join lateral (select reads_all or logged.user_id = auth.uid() as shown) as named
                where logged.action in (
                        'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED'
                    )
                    and not private.is_superseded(logged.id, logged.action, logged.details)
                    and logged.timestamp >= greatest(slots.slot, p_from)
                    and logged.timestamp < least(slots.slot + interval '15 minutes', p_to)
                    and (
                        p_filters ->> 'agent_id' is null
                        or (logged.entity_id = p_filters ->> 'agent_id' and named.shown)
                    )
                    and (
                        p_filters ->> 'before_at' is null
                        or logged.timestamp < (p_filters ->> 'before_at')::timestamptz
                        or logged.timestamp = (p_filters ->> 'before_at')::timestamptz
                            and logged.id > (p_filters ->> 'before_id')::uuid
                    )
                    and (
                        p_filters ->> 'search' is null
                        or private.mentions(
                            p_filters ->> 'search', case when named.shown then logged.entity_id end,
                            private.uuid_or_null(logged.details ->> 'generation_id')
                        )
                    )
                    and private.generation_matches_filters(
                        p_filters, fact.source, fact.origin, fact.overridden, fact.status, fact.primary_model,
                        fact.generator, fact.fallback_reason, fact.unreadable
                    )
                    and private.is_in_range(p_filters, 'steps', fact.steps)
                    and private.is_in_range(p_filters, 'services', fact.services)
                    and private.is_in_range(p_filters, 'latency_ms', fact.latency_ms)
                    and private.is_in_range(p_filters, 'cost_usd', fact.cost_usd)
                order by logged.timestamp desc, logged.id
            ) as event
            limit p_limit
        )

        select coalesce(jsonb_agg(
            to_jsonb(listed) || jsonb_build_object('prompt', left(run.prompt, 200))
            order by listed.at desc, listed.event_id
        ), '[]')
        from listed
        left join public.workflows as run
            on run.generation_id = private.uuid_or_null(listed.generation_id)
            and private.readable_actor() in ('*', run.actor_id, run.user_id::text)
    );
end
$$;

revoke all on function public.list_generations(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_generations(timestamptz, timestamptz, jsonb, integer) to authenticated;


-- Returns the agents with the most fallbacks among the latest p_latest matching fallbacks of a period, at most p_limit
-- agents: {fallbacks: how many were looked at, agents: [{agent_id, fallbacks, generations}]}.
-- p_filters: {source, origin, overridden, primary_model} as above.
-- generations: how many matching generations the agent completed in the period. Whoever may not read the
-- audit log sees only agents that they generated for.
create or replace function public.list_agents_with_fallbacks(
    p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 10, p_latest integer default 5000
)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
as $$
begin
    perform private.require('read_figures');
    perform private.refuse_large(p_filters, p_limit);
    perform private.refuse_unless(p_latest between 1 and 100000, 'The list looks at 1 to 100,000 fallbacks.');
    return (
        with latest as (
            select entity_id, user_id
            from public.audit_logs
            where action = 'WORKFLOW_GENERATED'
                and details ->> 'fallback_reason' is not null
                and timestamp >= p_from
                and timestamp < p_to
                and private.event_matches_filters(p_filters, details)
            order by timestamp desc
            limit p_latest
        ),

        agents as (
            select entity_id as agent_id, count(*) as fallbacks
            from latest
            where entity_id is not null and (private.may('read_audit_log') or user_id = auth.uid())
            group by entity_id
            order by fallbacks desc, entity_id
            limit p_limit
        ),

        counted as (
            select agents.agent_id, agents.fallbacks, (
                select count(*)
                from public.audit_logs as generation
                where generation.action = 'WORKFLOW_GENERATED'
                    and generation.entity_id = agents.agent_id
                    and generation.timestamp >= p_from
                    and generation.timestamp < p_to
                    and private.event_matches_filters(p_filters, generation.details)
            ) as generations
            from agents
        )

        select jsonb_build_object(
            'fallbacks', (select count(*) from latest),
            'agents', coalesce(jsonb_agg(to_jsonb(counted) order by fallbacks desc, agent_id), '[]')
        )
        from counted
    );
end
$$;

revoke all on function public.list_agents_with_fallbacks(timestamptz, timestamptz, jsonb, integer, integer) from public, anon;
grant execute on function public.list_agents_with_fallbacks(timestamptz, timestamptz, jsonb, integer, integer) to authenticated;


-- Adds one slice of at most 1,000 generations of one day, for admins; returns {events, more}: how many events were new,
-- and whether the day has another slice. To add the whole sample, call it for all slices of all days, beginning with
-- slice 0 of day 0; each call is a transaction of its own.
-- p_until: the last day, in UTC.
create or replace function public.add_sample_data(
    p_until text, p_days integer, p_per_day integer, p_seed integer, p_day integer, p_slice integer
)
returns jsonb
language plpgsql security definer
set search_path = ''
set jit = off
-- A generic plan would join each row with all others.
set plan_cache_mode = force_custom_plan
as $$
declare
    until date := p_until::date;
    first integer := 1000 * p_slice;
    last integer := 1000 * p_slice + 999;
    day record;
    added integer;
begin
    perform private.require('change_sample_data');
    if p_days not between 1 and 3660 or p_per_day not between 1 and 1000000 or p_day not between 0 and p_days - 1 then
        raise exception using
            errcode = 'PT400',
            message = 'Sample data has 1 to 3,660 days and 1 to 1,000,000 generations a day.';
    end if;
    if p_day = 0 and p_slice = 0 and exists (select from public.audit_logs where details ->> 'sample' = 'true') then
        raise exception using errcode = 'PT409', message = 'There is sample data already; remove it first.';
    end if;
    select * into day from private.sample_day(until, p_days, p_per_day, p_day);

    insert into public.workflows
    select * from private.sample_workflows(until, p_days, p_per_day, p_seed, p_day, first, last)
    on conflict (generation_id) do nothing;

    insert into public.audit_logs
    select * from private.sample_events(until, p_days, p_per_day, p_seed, p_day, first, last)
    union all
    select * from private.sample_changes(until, p_days, p_per_day, p_day) where p_slice = 0
    on conflict (id) do nothing;
    get diagnostics added = row_count;
    return jsonb_build_object('events', added, 'more', last + 1 < day.generations);
end
$$;

revoke all on function public.add_sample_data(text, integer, integer, integer, integer, integer) from public, anon;
grant execute on function public.add_sample_data(text, integer, integer, integer, integer, integer) to authenticated;


-- Removes all sample data and its counts, for admins, and appends an event that says so; returns {removed}: how many
-- events.
create or replace function public.remove_sample_data() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    answer jsonb;
begin
    perform private.require('change_sample_data');
    -- The lock keeps writers out: counts are deleted first and events last, so an event added in between would be
    -- deleted but keep its count.
    lock table public.audit_logs in share row exclusive mode;
    perform set_config('console.removes_sample', 'on', true);
    answer := private.remove_sample_data();
    perform set_config('console.removes_sample', 'off', true);
    return answer;
end
$$;

revoke all on function public.remove_sample_data() from public, anon;
grant execute on function public.remove_sample_data() to authenticated;


-- Returns {present}: whether there is any sample data.
create or replace function public.has_sample_data() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_figures');
    return jsonb_build_object(
        'present', exists (select from public.audit_logs where details ->> 'sample' = 'true')
    );
end
$$;

revoke all on function public.has_sample_data() from public, anon;
grant execute on function public.has_sample_data() to authenticated;


-- Appends an event about the console itself, by the caller; returns its id.
-- p_event: {action, entity_type, entity_id, severity, details, changes, ip_address, user_agent, session_id}, each but the
-- action optional.
create or replace function private.append_console_event(p_event jsonb) returns uuid
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
create or replace function private.change_role(p_user_id uuid, p_role text) returns void
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
create or replace function public.request_access() returns jsonb
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
create or replace function public.list_people() returns jsonb
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
create or replace function public.set_role(p_person text, p_role text) returns jsonb
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


-- Returns how a session is stored, with the time its tokens and it have left: {user_id, sealed_tokens, version,
-- access_expires_in_s, role}.
create or replace function private.session_json(p_session private.sessions) returns jsonb
language sql stable
set search_path = ''
as $$
    select jsonb_build_object(
        'user_id', p_session.user_id,
        'role', private.role_of(p_session.user_id),
        'sealed_tokens', p_session.sealed_tokens,
        'version', p_session.version,
        'access_expires_in_s', extract(epoch from p_session.access_ends_at - now())::float8
    )
$$;

revoke all on function private.session_json(private.sessions) from public, anon, authenticated;


-- Opens a session and appends CONSOLE_SIGNED_IN; returns {}. For the orchestrator's own user.
-- p_browser: {ip_address, user_agent}.
-- p_method: how the person signed in, such as password.
-- p_replaces: the session that this browser had before, which ends; null for none.
create or replace function public.open_session(
    p_session text, p_user_id uuid, p_sealed_tokens text, p_access_s integer, p_absolute_s integer, p_method text,
    p_browser jsonb, p_replaces text
)
returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('keep_sessions');
    perform private.refuse_unless(
        p_access_s between 0 and 604800 and p_absolute_s between 1 and 31536000, 'A session lasts at most a year.'
    );
    delete from private.sessions where ends_at < now() or session_sha256 = p_replaces;
    -- Auth has ended all other sessions of somebody who chose a new password.
    delete from private.sessions where user_id = p_user_id and p_method in ('reset', 'invitation');
    insert into private.sessions (session_sha256, user_id, sealed_tokens, access_ends_at, ends_at)
    values (
        p_session, p_user_id, p_sealed_tokens, now() + p_access_s * interval '1 second',
        now() + p_absolute_s * interval '1 second'
    );
    update public.console_roles set last_seen_at = now() where user_id = p_user_id;
    perform private.append_console_event(
        p_browser || jsonb_build_object(
            'action', 'CONSOLE_SIGNED_IN',
            'user_id', p_user_id,
            'actor_id', p_user_id,
            'entity_type', 'person',
            'entity_id', p_user_id,
            'session_id', left(p_session, 16),
            'details', jsonb_build_object('method', p_method)
        )
    );
    return '{}';
end
$$;

revoke all on function public.open_session(text, uuid, text, integer, integer, text, jsonb, text) from public, anon;
grant execute on function public.open_session(text, uuid, text, integer, integer, text, jsonb, text) to authenticated;


-- Returns an open session, see private.session_json, and notes that it is used; null if there is none, if it was not
-- used for p_idle_s seconds, or if its user was banned or deleted.
create or replace function public.read_session(p_session text, p_idle_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    session private.sessions;
begin
    perform private.require('keep_sessions');
    select * into session from private.sessions where session_sha256 = p_session;
    if session.user_id is null
        or session.ends_at <= now()
        or session.last_seen_at + p_idle_s * interval '1 second' <= now()
        or not exists (
            select from auth.users
            where id = session.user_id
                and (banned_until is null or banned_until <= now())
                and deleted_at is null
        )
    then
        delete from private.sessions where session_sha256 = p_session;
        return null;
    end if;
    if session.last_seen_at < now() - interval '1 minute' then
        update private.sessions set last_seen_at = now() where session_sha256 = p_session;
        update public.console_roles set last_seen_at = now() where user_id = session.user_id;
    end if;
    return private.session_json(session);
end
$$;

revoke all on function public.read_session(text, integer) from public, anon;
grant execute on function public.read_session(text, integer) to authenticated;


-- Claims the renewal of a session's tokens for p_lease_s seconds; returns the session with `claimed`, false if another
-- process is renewing them or has done so since version p_version; null if there is no session. A refresh token works
-- once: two processes that used the same one would end the session.
create or replace function public.claim_renewal(p_session text, p_version integer, p_lease_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    session private.sessions;
    claimed boolean;
begin
    perform private.require('keep_sessions');
    perform private.refuse_unless(p_lease_s between 1 and 300, 'A renewal takes at most five minutes.');
    select * into session from private.sessions where session_sha256 = p_session for update;
    if session.user_id is null then
        return null;
    end if;
    claimed := session.version = p_version and coalesce(session.renewal_ends_at <= now(), true);
    if claimed then
        update private.sessions
        set renewal_ends_at = now() + p_lease_s * interval '1 second'
        where session_sha256 = p_session
        returning * into session;
    end if;
    return private.session_json(session) || jsonb_build_object('claimed', claimed);
end
$$;

revoke all on function public.claim_renewal(text, integer, integer) from public, anon;
grant execute on function public.claim_renewal(text, integer, integer) to authenticated;


-- Stores the renewed tokens of a session, if p_version is still its version, and ends the claim; returns the session, null
-- if there is none.
-- p_sealed_tokens: null if the renewal did not happen and may be tried again.
create or replace function public.renew_session(p_session text, p_version integer, p_sealed_tokens text, p_access_s integer)
returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    session private.sessions;
begin
    perform private.require('keep_sessions');
    update private.sessions
    set
        sealed_tokens = coalesce(p_sealed_tokens, sealed_tokens),
        version = version + (p_sealed_tokens is not null)::integer,
        access_ends_at = case
            when p_sealed_tokens is null then access_ends_at
            else now() + p_access_s * interval '1 second'
        end,
        renewal_ends_at = null
    where session_sha256 = p_session and version = p_version;
    select * into session from private.sessions where session_sha256 = p_session;
    return case when session.user_id is not null then private.session_json(session) end;
end
$$;

revoke all on function public.renew_session(text, integer, text, integer) from public, anon;
grant execute on function public.renew_session(text, integer, text, integer) to authenticated;


-- Closes a session, or all sessions of its user, and appends CONSOLE_SIGNED_OUT; returns {closed}: how many.
-- p_cause: signed_out, or expired if Supabase Auth has ended it.
create or replace function public.close_session(p_session text, p_everywhere boolean, p_cause text, p_browser jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    person uuid;
    closed integer;
begin
    perform private.require('keep_sessions');
    perform private.refuse_unless(p_cause in ('signed_out', 'expired'), 'A session is signed_out or expired.');
    select user_id into person from private.sessions where session_sha256 = p_session;
    delete from private.sessions
    where session_sha256 = p_session or (p_everywhere and user_id = person);
    get diagnostics closed = row_count;
    if closed > 0 then
        perform private.append_console_event(
            p_browser || jsonb_build_object(
                'action', 'CONSOLE_SIGNED_OUT',
                'user_id', person,
                'actor_id', person,
                'entity_type', 'person',
                'entity_id', person,
                'session_id', left(p_session, 16),
                'details', jsonb_build_object('cause', p_cause, 'sessions', closed)
            )
        );
    end if;
    return jsonb_build_object('closed', closed);
end
$$;

revoke all on function public.close_session(text, boolean, text, jsonb) from public, anon;
grant execute on function public.close_session(text, boolean, text, jsonb) to authenticated;


-- Adds an API token; returns {token_id}. Admins only, with their second factor if they have one.
-- p_scopes: some of report, generate and events.
-- p_secret_sha256: hash of the token, which itself never comes here; p_hint: its first characters.
create or replace function public.make_api_token(
    p_name text, p_scopes jsonb, p_requests_per_minute integer, p_secret_sha256 text, p_hint text
)
returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    made private.api_tokens;
begin
    perform private.require('manage_people');
    perform private.require_second_factor();
    perform private.refuse_unless(
        length(trim(p_name)) between 1 and 100 and p_name !~ '[[:cntrl:]]', 'A token needs a name of at most 100 characters.'
    );
    perform private.refuse_unless(
        jsonb_typeof(p_scopes) = 'array'
        and jsonb_array_length(p_scopes) > 0
        and p_scopes <@ (select jsonb_agg(distinct scope) from private.permissions() where scope is not null),
        'A token needs at least one of these scopes: '
        || (select string_agg(distinct scope, ', ' order by scope) from private.permissions()) || '.'
    );
    perform private.refuse_unless(
        p_requests_per_minute between 1 and 100000, 'A token may make 1 to 100,000 requests a minute.'
    );
    insert into private.api_tokens (name, secret_sha256, hint, scopes, requests_per_minute, created_by)
    values (
        trim(p_name), p_secret_sha256, p_hint, array(select distinct jsonb_array_elements_text(p_scopes)),
        p_requests_per_minute, auth.uid()
    )
    returning * into made;
    perform private.append_console_event(jsonb_build_object(
        'action', 'API_TOKEN_CREATED',
        'entity_type', 'api_token',
        'entity_id', made.token_id,
        'resource_name', made.name,
        'severity', 'warning',
        'details', jsonb_build_object('scopes', made.scopes, 'requests_per_minute', made.requests_per_minute)
    ));
    return jsonb_build_object('token_id', made.token_id);
end
$$;

revoke all on function public.make_api_token(text, jsonb, integer, text, text) from public, anon;
grant execute on function public.make_api_token(text, jsonb, integer, text, text) to authenticated;


-- Revokes an API token, at once and for good; returns {}. Admins only.
create or replace function public.revoke_api_token(p_token_id uuid) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    revoked private.api_tokens;
begin
    perform private.require('manage_people');
    perform private.require_second_factor();
    update private.api_tokens
    set revoked_at = now(), revoked_by = auth.uid()
    where token_id = p_token_id and revoked_at is null
    returning * into revoked;
    perform private.refuse_unless(revoked.token_id is not null, 'There is no such token, or it was revoked before.');
    perform private.append_console_event(jsonb_build_object(
        'action', 'API_TOKEN_REVOKED',
        'entity_type', 'api_token',
        'entity_id', revoked.token_id,
        'resource_name', revoked.name,
        'severity', 'warning'
    ));
    return '{}';
end
$$;

revoke all on function public.revoke_api_token(uuid) from public, anon;
grant execute on function public.revoke_api_token(uuid) to authenticated;


-- Returns all API tokens, the latest first: [{token_id, name, hint, scopes, requests_per_minute, created_at, created_by,
-- last_used_at, revoked_at}]; created_by is an e-mail address.
create or replace function public.list_api_tokens() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('manage_people');
    return (
        with tokens as (
            select
                api_tokens.token_id,
                api_tokens.name,
                api_tokens.hint,
                to_jsonb(api_tokens.scopes) as scopes,
                api_tokens.requests_per_minute,
                api_tokens.created_at,
                users.email as created_by,
                api_tokens.last_used_at,
                api_tokens.revoked_at
            from private.api_tokens
            left join auth.users as users on users.id = api_tokens.created_by
        )

        select coalesce(jsonb_agg(to_jsonb(tokens) order by created_at desc, token_id), '[]')
        from tokens
    );
end
$$;

revoke all on function public.list_api_tokens() from public, anon;
grant execute on function public.list_api_tokens() to authenticated;


-- Admits one request of the caller, who needs this permission; returns {user_id, actor_id, wait_s}. actor_id says who
-- generates and records: a user id, or token: and the id of an API token, which has no user. wait_s is 0, or the seconds
-- until the caller may make another request, who then has made too many in this minute.
create or replace function public.admit_request(p_permission text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    token private.api_tokens;
    caller text;
    window_start timestamptz := date_trunc('minute', now());
    made integer;
begin
    perform private.require(p_permission);
    select * into token from private.api_tokens where token_id = private.api_token_id();
    caller := coalesce('token:' || token.token_id, auth.uid()::text);

    insert into private.request_minutes as counted (caller, minute, requests)
    values (caller, window_start, 1)
    on conflict on constraint request_minutes_pkey do update
    set
        minute = excluded.minute,
        requests = case when counted.minute = excluded.minute then counted.requests + 1 else 1 end
    returning requests into made;
    if token.last_used_at is null or token.last_used_at < now() - interval '1 minute' then
        update private.api_tokens set last_used_at = now() where token_id = token.token_id;
    end if;
    return jsonb_build_object(
        'user_id', case when token.token_id is null then auth.uid() end,
        'actor_id', caller,
        'wait_s', case
            when made <= coalesce(token.requests_per_minute, 300) then 0
            else greatest(1, ceil(extract(epoch from window_start + interval '1 minute' - now())))::integer
        end
    );
end
$$;

revoke all on function public.admit_request(text) from public, anon;
grant execute on function public.admit_request(text) to authenticated;


-- Returns an event as the page shows it: its columns, and the e-mail addresses of its actor and of the person it is about.
create or replace function private.event_json(p_event public.audit_logs) returns jsonb
language sql stable security definer
set search_path = ''
as $$
    select to_jsonb(p_event) || jsonb_build_object(
        'actor_id', coalesce(p_event.actor_id, p_event.user_id::text),
        'actor_email', (
            select users.email from auth.users
            where users.id = private.uuid_or_null(coalesce(p_event.actor_id, p_event.user_id::text))
        ),
        'actor_token', (
            select api_tokens.name from private.api_tokens
            where api_tokens.token_id = private.uuid_or_null(substr(p_event.actor_id, 7)) and p_event.actor_id like 'token:%'
        ),
        'entity_email', (
            select users.email from auth.users
            where p_event.entity_type = 'person' and users.id = private.uuid_or_null(p_event.entity_id)
        ),
        'superseded', private.is_superseded(p_event.id, p_event.action, p_event.details)
    )
$$;

revoke all on function private.event_json(public.audit_logs) from public, anon, authenticated;


-- Returns the events from p_from to before p_to, newest first, at most p_limit; see private.event_json.
-- p_filters: {action, severity, flag, actor, entity, search}, each null for all; actor: an id, or a part of an e-mail
-- address; search: what the action, the ids or the name contain, ignoring case; before_at and before_id: the last event
-- of the page before; undated: true for the events of earlier systems without a moment, which belong to no period.
create or replace function public.list_events(p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer) returns jsonb
language plpgsql stable security definer
set search_path = ''
set jit = off
-- Each filter that is set may have an index; a generic plan would use none.
set plan_cache_mode = force_custom_plan
as $$
declare
    words text := lower(left(p_filters ->> 'search', 200));
    actors text[];
begin
    perform private.require('read_audit_log');
    perform private.refuse_large(p_filters, p_limit);
    if p_filters ->> 'actor' is not null then
        select array_agg(id::text) || (p_filters ->> 'actor') into actors
        from auth.users
        where position(lower(p_filters ->> 'actor') in lower(email)) > 0;
        actors := coalesce(actors, array[p_filters ->> 'actor']);
    end if;
    return (
        with listed as (
            select *
            from public.audit_logs as event
            where case
                    when p_filters ->> 'undated' = 'true' then event.timestamp is null
                    else event.timestamp >= p_from and event.timestamp < p_to
                end
                and (p_filters ->> 'action' is null or event.action = p_filters ->> 'action')
                and (p_filters ->> 'severity' is null or event.severity = p_filters ->> 'severity')
                and (p_filters ->> 'flag' is null or p_filters ->> 'flag' = any (event.compliance_flags))
                and (p_filters ->> 'entity' is null or event.entity_id = p_filters ->> 'entity')
                and (actors is null or coalesce(event.actor_id, event.user_id::text) = any (actors))
                and (
                    words is null
                    or position(words in lower(concat_ws(
                        ' ', event.id, event.action, event.entity_type, event.entity_id, event.resource_name, event.actor_id,
                        event.details ->> 'generation_id'
                    ))) > 0
                )
                and (
                    p_filters ->> 'before_id' is null
                    or event.timestamp < (p_filters ->> 'before_at')::timestamptz
                    or event.timestamp is not distinct from (p_filters ->> 'before_at')::timestamptz
                        and event.id > (p_filters ->> 'before_id')::uuid
                )
            order by event.timestamp desc, event.id
            limit p_limit
        )

        select coalesce(jsonb_agg(private.event_json(listed) order by listed.timestamp desc, listed.id), '[]')
        from listed
    );
end
$$;

revoke all on function public.list_events(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_events(timestamptz, timestamptz, jsonb, integer) to authenticated;


-- Returns one event, see private.event_json; null if there is none.
create or replace function public.get_event(p_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_audit_log');
    return (select private.event_json(event) from public.audit_logs as event where event.id = p_id);
end
$$;

revoke all on function public.get_event(uuid) from public, anon;
grant execute on function public.get_event(uuid) to authenticated;


-- Returns what the filters of the page can be set to: {actions, flags}: all actions, and the flags of the latest 10,000
-- events.
create or replace function public.list_event_kinds() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_audit_log');
    return (
        -- From each action to the next one in the index, instead of through all events.
        with recursive actions as (
            (select action from public.audit_logs order by action limit 1)
            union all
            select (
                select event.action from public.audit_logs as event
                where event.action > actions.action
                order by event.action limit 1
            )
            from actions
            where actions.action is not null
        ),

        latest as (
            select compliance_flags from public.audit_logs order by timestamp desc limit 10000
        )

        select jsonb_build_object(
            'actions', (select coalesce(jsonb_agg(action), '[]') from actions where action is not null),
            'flags', (
                select coalesce(jsonb_agg(distinct flag), '[]') from latest cross join lateral unnest(compliance_flags) as flag
            )
        )
    );
end
$$;

revoke all on function public.list_event_kinds() from public, anon;
grant execute on function public.list_event_kinds() to authenticated;


-- Appends AUDIT_LOG_READ, or AUDIT_LOG_EXPORTED, by the caller; returns {}.
-- p_filters: what was looked for; the search text and the actor are not kept, since they may be personal.
create or replace function public.note_audit_log_read(p_filters jsonb, p_exported boolean) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('read_audit_log');
    perform private.refuse_large(p_filters, 1);
    perform private.append_console_event(jsonb_build_object(
        'action', case when p_exported then 'AUDIT_LOG_EXPORTED' else 'AUDIT_LOG_READ' end,
        'entity_type', 'audit_log',
        'severity', case when p_exported then 'warning' else 'info' end,
        'details', jsonb_build_object('filters', jsonb_strip_nulls(jsonb_build_object(
            'action', left(p_filters ->> 'action', 100),
            'severity', left(p_filters ->> 'severity', 100),
            'flag', left(p_filters ->> 'flag', 100),
            'entity', left(p_filters ->> 'entity', 100)
        )))
    ));
    return '{}';
end
$$;

revoke all on function public.note_audit_log_read(jsonb, boolean) from public, anon;
grant execute on function public.note_audit_log_read(jsonb, boolean) to authenticated;


-- Erases the texts of these generations; returns how many had any. Running ones are left alone: they are still writing.
create or replace function private.erase(p_generation_ids uuid[]) returns integer
language plpgsql
set search_path = ''
as $$
declare
    erased integer;
begin
    update public.workflows as generation
    set
        prompt = '',
        services = '{}',
        pilot_steps = case
            when pilot_steps is not null
            then (select coalesce(jsonb_agg('{}'::jsonb), '[]') from jsonb_array_elements(pilot_steps))
        end,
        findings = '[]',
        rejected_outputs = '[]',
        erased_at = now()
    where generation_id = any (p_generation_ids) and status <> 'running' and erased_at is null;
    get diagnostics erased = row_count;
    return erased;
end
$$;

revoke all on function private.erase(uuid[]) from public, anon, authenticated;


-- Erases all prompts and outputs of one person or API token and appends WORKFLOW_TEXT_ERASED; returns {erased}: how many
-- generations. Admins only, with their second factor if they have one.
-- p_actor: the id of the user, or whatever the platform calls them.
create or replace function public.erase_texts(p_actor text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    erased integer;
begin
    perform private.require('erase_texts');
    perform private.require_second_factor();
    perform private.refuse_unless(length(trim(p_actor)) between 1 and 200, 'Say whose prompts and outputs to erase.');
    erased := private.erase(array(
        select generation_id from public.workflows
        where actor_id = trim(p_actor) or user_id = private.uuid_or_null(trim(p_actor))
    ));
    perform private.append_console_event(jsonb_build_object(
        'action', 'WORKFLOW_TEXT_ERASED',
        'entity_type', 'person',
        'entity_id', trim(p_actor),
        'severity', 'warning',
        'details', jsonb_build_object('generations', erased)
    ));
    return jsonb_build_object('erased', erased);
end
$$;

revoke all on function public.erase_texts(text) from public, anon;
grant execute on function public.erase_texts(text) to authenticated;


-- Returns {days}: after how many days texts are erased by themselves; null for never.
create or replace function public.get_text_retention() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_settings');
    return (select jsonb_build_object('days', days) from private.text_retention);
end
$$;

revoke all on function public.get_text_retention() from public, anon;
grant execute on function public.get_text_retention() to authenticated;


-- Sets after how many days texts are erased by themselves, 1 to 36,500 or null for never, and appends
-- SYSTEM_CONFIG_UPDATED if that is a change; returns {days}. Admins only, with their second factor if they have one.
create or replace function public.set_text_retention(p_days integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    before integer;
begin
    perform private.require('erase_texts');
    perform private.require_second_factor();
    perform private.refuse_unless(
        p_days is null or p_days between 1 and 36500, 'Texts are kept for 1 to 36,500 days, or for ever.'
    );
    select days into before from private.text_retention for update;
    if before is distinct from p_days then
        update private.text_retention set days = p_days;
        perform private.append_console_event(jsonb_build_object(
            'action', 'SYSTEM_CONFIG_UPDATED',
            'entity_type', 'system_config',
            'entity_id', 'privacy',
            'severity', 'warning',
            'changes', jsonb_build_object('text_retention_days', jsonb_build_object('before', before, 'after', p_days))
        ));
    end if;
    return jsonb_build_object('days', p_days);
end
$$;

revoke all on function public.set_text_retention(integer) from public, anon;
grant execute on function public.set_text_retention(integer) to authenticated;


-- Erases the texts that are older than they are kept, at most 1,000 generations, and appends WORKFLOW_TEXT_ERASED if there
-- were any; returns {erased}. For the orchestrator, which calls it now and then.
create or replace function public.erase_old_texts() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    kept_days integer;
    erased integer;
begin
    perform private.require('record');
    select days into kept_days from private.text_retention;
    if kept_days is null then
        return '{"erased": 0}';
    end if;
    erased := private.erase(array(
        select generation_id
        from public.workflows
        where erased_at is null and not sample and started_at < now() - kept_days * interval '1 day'
        order by started_at
        limit 1000
    ));
    if erased > 0 then
        perform private.append_console_event(jsonb_build_object(
            'action', 'WORKFLOW_TEXT_ERASED',
            'entity_type', 'workflows',
            'severity', 'info',
            'details', jsonb_build_object('generations', erased, 'older_than_days', kept_days)
        ));
    end if;
    return jsonb_build_object('erased', erased);
end
$$;

revoke all on function public.erase_old_texts() from public, anon;
grant execute on function public.erase_old_texts() to authenticated;


-- Runs of agents, as the platform that runs them reports.

-- Appends one event per run of an agent, all or none; returns {recorded}: how many were new. A run whose id is in the log
-- already is skipped, so that a batch can be sent again.
-- p_executions: 1 to 1,000 of {id, action, agent_id, timestamp, duration_ms, error_code}; action is
-- AGENT_EXECUTION_COMPLETED or AGENT_EXECUTION_FAILED; id, timestamp, duration_ms and error_code may be missing. A
-- random id (version 4 or 7) is the event's own; from any other the event's is derived with the caller's, so that no run
-- takes the place of an event whose id can be foreseen. A
-- timestamp in the future becomes now: a host's clock may be wrong. None is before the year 2000.
create or replace function public.record_executions(p_executions jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    actor text := coalesce('token:' || private.api_token_id(), auth.uid()::text);
    execution jsonb;
    at timestamptz;
    events jsonb := '[]';
begin
    perform private.require('record_executions');
    perform private.refuse_unless(
        jsonb_typeof(p_executions) = 'array'
        and jsonb_array_length(p_executions) between 1 and 1000
        and pg_column_size(p_executions) <= 2000000,
        'A batch has 1 to 1,000 runs.'
    );
    for execution in select value from jsonb_array_elements(p_executions) loop
        perform private.refuse_unless(
            execution ->> 'action' in ('AGENT_EXECUTION_COMPLETED', 'AGENT_EXECUTION_FAILED')
            and length(trim(execution ->> 'agent_id')) between 1 and 100
            and private.is_plausible(execution -> 'duration_ms', 0, 31536000000)
            and coalesce(execution ->> 'error_code', '') ~ '^[A-Za-z0-9_.:-]{0,100}$'
            and (execution ->> 'id' is null or private.uuid_or_null(execution ->> 'id') is not null),
            'A run needs an action, AGENT_EXECUTION_COMPLETED or AGENT_EXECUTION_FAILED, and an agent_id.'
        );
        at := least(coalesce((execution ->> 'timestamp')::timestamptz, now()), now());
        perform private.refuse_unless(at >= '2000-01-01', 'A run was in this century.');
        events := events || jsonb_build_object(
            'id', case
                when execution ->> 'id' is null then gen_random_uuid()
                when substr((execution ->> 'id')::uuid::text, 15, 1) in ('4', '7') then (execution ->> 'id')::uuid
                else md5('run ' || actor || ' ' || (execution ->> 'id')::uuid)::uuid
            end,
            'timestamp', at,
            'actor_id', actor,
            'action', execution ->> 'action',
            'entity_type', 'agent',
            'entity_id', trim(execution ->> 'agent_id'),
            'severity', case execution ->> 'action' when 'AGENT_EXECUTION_FAILED' then 'warning' else 'info' end,
            'compliance_flags', jsonb_build_array('SOC2'),
            'details', jsonb_strip_nulls(jsonb_build_object(
                'duration_ms', execution -> 'duration_ms', 'error_code', execution ->> 'error_code'
            ))
        );
    end loop;
    return jsonb_build_object('recorded', private.append_events(events));
end
$$;

revoke all on function public.record_executions(jsonb) from public, anon;
grant execute on function public.record_executions(jsonb) to authenticated;


-- Returns how many seconds a subject must wait before the next sign-in; 0 for none. Up to `free` attempts cost nothing;
-- each further one doubles the wait, up to p_most_s. Attempts are forgotten after an hour without one.
create or replace function private.sign_in_wait_s(p_attempts integer, p_latest_at timestamptz, p_free integer, p_most_s integer)
returns integer
language sql stable
set search_path = ''
as $$
    select case
        when p_attempts <= p_free or p_latest_at <= now() - interval '1 hour' then 0
        else greatest(0, ceil(extract(epoch from
            p_latest_at + least(2 ^ least(p_attempts - p_free, 20), p_most_s) * interval '1 second' - now()
        )))
    end::integer
$$;

revoke all on function private.sign_in_wait_s(integer, timestamptz, integer, integer) from public, anon, authenticated;


-- Counts an attempt to sign in and returns {wait_s}: 0, or how long this address and this account must wait first, in which
-- case it did not count. It counts before the password is tried, so that many attempts at once are no way around it.
-- p_address, p_account: hashes.
-- p_known: whether this browser has signed in to the account before. Only the address counts then, so that nobody can
-- lock its owner out.
create or replace function public.begin_sign_in(p_address text, p_account text, p_known boolean) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    subjects text[] := array['address ' || p_address] || case when p_known then '{}' else array['account ' || p_account] end;
    wait_s integer;
begin
    perform private.require('keep_sessions');
    delete from private.sign_in_attempts where latest_at < now() - interval '1 hour';
    insert into private.sign_in_attempts (subject, attempts, latest_at)
    select subject, 0, now() from unnest(subjects) as subject order by subject
    on conflict (subject) do nothing;
    perform from private.sign_in_attempts where subject = any (subjects) order by subject for update;

    select max(private.sign_in_wait_s(attempts, latest_at, 10, case when subject like 'address %' then 900 else 60 end))
    into wait_s
    from private.sign_in_attempts
    where subject = any (subjects);
    if wait_s = 0 then
        update private.sign_in_attempts set attempts = attempts + 1, latest_at = now() where subject = any (subjects);
    end if;
    return jsonb_build_object('wait_s', wait_s);
end
$$;

revoke all on function public.begin_sign_in(text, text, boolean) from public, anon;
grant execute on function public.begin_sign_in(text, text, boolean) to authenticated;


-- Ends an attempt that succeeded: it does not count, and the account begins afresh; returns {}.
create or replace function public.accept_sign_in(p_address text, p_account text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('keep_sessions');
    update private.sign_in_attempts set attempts = greatest(attempts - 1, 0) where subject = 'address ' || p_address;
    delete from private.sign_in_attempts where subject = 'account ' || p_account;
    return '{}';
end
$$;

revoke all on function public.accept_sign_in(text, text) from public, anon;
grant execute on function public.accept_sign_in(text, text) to authenticated;


-- Appends CONSOLE_SIGN_IN_REFUSED; returns {}.
-- p_account: a hash.
create or replace function public.refuse_sign_in(p_account text, p_browser jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('keep_sessions');
    perform private.append_console_event(
        p_browser || jsonb_build_object(
            'action', 'CONSOLE_SIGN_IN_REFUSED',
            'user_id', null,
            'actor_id', null,
            'entity_type', 'account',
            'entity_id', left(p_account, 16),
            'severity', 'warning'
        )
    );
    return '{}';
end
$$;

revoke all on function public.refuse_sign_in(text, jsonb) from public, anon;
grant execute on function public.refuse_sign_in(text, jsonb) to authenticated;


-- Keeps what the next step of a sign-in needs, for p_lifetime_s seconds; returns {}.
create or replace function public.keep_unfinished(p_secret text, p_sealed text, p_lifetime_s integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
begin
    perform private.require('keep_sessions');
    perform private.refuse_unless(p_lifetime_s between 1 and 3600, 'A sign-in is finished within an hour.');
    delete from private.unfinished_sign_ins where ends_at < now();
    insert into private.unfinished_sign_ins (secret_sha256, sealed, ends_at)
    values (p_secret, p_sealed, now() + p_lifetime_s * interval '1 second');
    return '{}';
end
$$;

revoke all on function public.keep_unfinished(text, text, integer) from public, anon;
grant execute on function public.keep_unfinished(text, text, integer) to authenticated;


-- Takes what was kept for the next step of a sign-in, which works once; returns {sealed}, null if there is nothing.
create or replace function public.take_unfinished(p_secret text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    taken private.unfinished_sign_ins;
begin
    perform private.require('keep_sessions');
    delete from private.unfinished_sign_ins where secret_sha256 = p_secret returning * into taken;
    return jsonb_build_object('sealed', case when taken.ends_at > now() then taken.sealed end);
end
$$;

revoke all on function public.take_unfinished(text) from public, anon;
grant execute on function public.take_unfinished(text) to authenticated;


-- Returns what an installation needs before people can sign in: {role, versions, has_admin}. role: the caller's own, and
-- all that anybody but the orchestrator learns; versions: the migrations that were applied, null if none were recorded.
create or replace function public.check_setup() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
    applied jsonb;
begin
    if private.may('keep_sessions') is not true then
        return jsonb_build_object('role', private.console_role(), 'versions', null, 'has_admin', null);
    end if;
    if to_regclass('supabase_migrations.schema_migrations') is not null then
        select jsonb_agg(version order by version) into applied from supabase_migrations.schema_migrations;
    end if;
    return jsonb_build_object(
        'role', private.console_role(),
        'versions', applied,
        'has_admin', exists (select from public.console_roles where role = 'admin')
    );
end
$$;

revoke all on function public.check_setup() from public, anon;
grant execute on function public.check_setup() to authenticated;


drop policy own_workflows_or_admin on public.workflows;

create policy readable_workflows on public.workflows
for select to authenticated
using ((select private.readable_actor()) in ('*', actor_id, user_id::text));

drop policy own_events_or_admin on public.audit_logs;

create policy own_events_or_all on public.audit_logs
for select to authenticated
using (
    (select private.may('read_audit_log'))
    or (user_id = (select auth.uid()) and (select private.may('read_own_workflows')))
);

drop policy console_users on public.system_settings_config;

create policy console_users on public.system_settings_config
for select to authenticated
using (key = any ((select private.setting_keys())::text[]) and (select private.may('read_settings')));

drop policy console_users on public.system_settings_history;

create policy console_users on public.system_settings_history
for select to authenticated
using (key = any ((select private.setting_keys())::text[]) and (select private.may('read_settings')));

drop function private.require_role(text[]);
