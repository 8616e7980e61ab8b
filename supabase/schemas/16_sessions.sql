-- Sessions of people who signed in, shared by every host of the console. The tokens of Supabase Auth are sealed by the
-- console before they come here, so that reading this table gives nobody access. All deadlines are this clock's.

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


-- Returns how a session is stored, with the time its tokens and it have left: {user_id, sealed_tokens, version,
-- access_expires_in_s, role}.
create function private.session_json(p_session private.sessions) returns jsonb
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
create function public.open_session(
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
create function public.read_session(p_session text, p_idle_s integer) returns jsonb
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
create function public.claim_renewal(p_session text, p_version integer, p_lease_s integer) returns jsonb
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
create function public.renew_session(p_session text, p_version integer, p_sealed_tokens text, p_access_s integer)
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
create function public.close_session(p_session text, p_everywhere boolean, p_cause text, p_browser jsonb) returns jsonb
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
