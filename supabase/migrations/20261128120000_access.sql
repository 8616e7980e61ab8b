-- Console roles: one row per person or machine that may use the console.
-- Supabase gives every signed-in user the same database role, so the console keeps its own roles here. Every public
-- function checks them, except whoami and those that read workflows under row-level security. Deleting a row revokes
-- access at once, even while the user's token is still valid.

create schema if not exists private;
revoke all on schema private from public;
grant usage on schema private to authenticated;

create table public.console_roles (
    user_id uuid primary key references auth.users (id) on delete cascade,
    role text not null check (role in ('admin', 'member', 'orchestrator')),
    granted_at timestamptz not null default now()
);

comment on table public.console_roles is
    'One row per console user: admin changes settings and sees all, member sees their own, orchestrator records.';

alter table public.console_roles enable row level security;
revoke all on public.console_roles from public, anon, authenticated;
grant select on public.console_roles to authenticated;

create policy own_role on public.console_roles
for select to authenticated
using (user_id = (select auth.uid()));


-- Returns the caller's console role; null for a caller without one.
create function private.console_role() returns text
language sql stable security definer
set search_path = ''
as $$
    select console_roles.role
    from public.console_roles
    where console_roles.user_id = auth.uid()
$$;

revoke all on function private.console_role() from public, anon;
grant execute on function private.console_role() to authenticated;


-- Raises PT403 unless the caller has one of these roles.
create function private.require_role(variadic allowed text[]) returns void
language plpgsql stable
set search_path = ''
as $$
begin
    if coalesce(private.console_role(), '') <> all (allowed) then
        raise exception using
            errcode = 'PT403',
            message = 'This needs the console role ' || array_to_string(allowed, ' or ') || '; ask an admin.';
    end if;
end
$$;

revoke all on function private.require_role(text[]) from public, anon;
grant execute on function private.require_role(text[]) to authenticated;


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


-- Returns the caller as {user_id, email, role}; role is null for a user without a console role.
create function public.whoami() returns jsonb
language sql stable security definer
set search_path = ''
as $$
    select jsonb_build_object(
        'user_id', auth.uid(),
        'email', (select users.email from auth.users where users.id = auth.uid()),
        'role', private.console_role()
    )
$$;

revoke all on function public.whoami() from public, anon;
grant execute on function public.whoami() to authenticated;
