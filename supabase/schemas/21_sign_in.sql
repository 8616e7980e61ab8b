-- Signing in: attempts, which are slowed down, the steps between them, and what has to be there before anybody can.

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


-- Returns how many seconds a subject must wait before the next sign-in; 0 for none. Up to `free` attempts cost nothing;
-- each further one doubles the wait, up to p_most_s. Attempts are forgotten after an hour without one.
create function private.sign_in_wait_s(p_attempts integer, p_latest_at timestamptz, p_free integer, p_most_s integer)
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
create function public.begin_sign_in(p_address text, p_account text, p_known boolean) returns jsonb
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
create function public.accept_sign_in(p_address text, p_account text) returns jsonb
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
create function public.refuse_sign_in(p_account text, p_browser jsonb) returns jsonb
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
create function public.keep_unfinished(p_secret text, p_sealed text, p_lifetime_s integer) returns jsonb
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
create function public.take_unfinished(p_secret text) returns jsonb
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
create function public.check_setup() returns jsonb
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
