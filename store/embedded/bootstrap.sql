-- What a hosted project has and an empty Postgres does not: roles, the auth schema, grants.
-- For the embedded server only; run by its superuser, safe to run again. It sets no default privileges:
-- a grant that a migration forgot must fail here as it would in a hosted project.

do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I nologin noinherit', role_name);
        end if;
    end loop;
    if not exists (select from pg_roles where rolname = 'authenticator') then
        create role authenticator login noinherit;
    end if;
    if not exists (select from pg_roles where rolname = 'postgres') then
        create role postgres login createdb createrole bypassrls;
    end if;
end
$$;

alter role service_role bypassrls;
grant anon, authenticated, service_role to authenticator, postgres;
-- The same limits as in a hosted project.
alter role authenticator set statement_timeout = '8s';
-- A process suspended in the middle of a call must not hold its locks until it resumes.
alter role authenticator set idle_in_transaction_session_timeout = '10s';

do $$
begin
    execute format('alter database %I owner to postgres', current_database());
end
$$;

alter schema public owner to postgres;
grant usage on schema public to anon, authenticated, service_role;

create schema if not exists extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role, postgres;

create table if not exists auth.users (
    id uuid primary key,
    email text unique
);
alter table auth.users
    add column if not exists banned_until timestamptz,
    add column if not exists deleted_at timestamptz;
grant select, insert, update, delete, references on auth.users to postgres;

create table if not exists auth.mfa_factors (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    status text not null check (status in ('unverified', 'verified'))
);
grant select, insert, update, delete on auth.mfa_factors to postgres;

create or replace function auth.jwt() returns jsonb
language sql stable
as $$
    select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;

create or replace function auth.uid() returns uuid
language sql stable
as $$
    select (auth.jwt() ->> 'sub')::uuid
$$;

create or replace function auth.role() returns text
language sql stable
as $$
    select auth.jwt() ->> 'role'
$$;

-- The two users of the embedded database; store/identity.py knows them by these ids.
insert into auth.users (id, email)
values
    ('00000000-0000-4000-8000-000000000001', 'you@this.machine'),
    ('00000000-0000-4000-8000-000000000002', 'orchestrator@this.machine')
on conflict (id) do nothing;
