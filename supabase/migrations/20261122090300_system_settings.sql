-- The three system keys, their history, and the only door through which they change.
-- An earlier system's table of this name is adopted: columns it lacks are added, its values freed of a second pair
-- of quotes, its rows put into their category. An update made by hand in SQL is recorded like any other.

create table if not exists public.system_settings_config (
    id uuid primary key default gen_random_uuid(),
    key text not null unique,
    value jsonb,
    category text,
    description text,
    updated_at timestamptz default now()
);

alter table public.system_settings_config
    add column if not exists updated_by text,
    add column if not exists version bigint not null default 1,
    alter column id set default gen_random_uuid(),
    alter column updated_at set default now();

comment on table public.system_settings_config is 'One row per system key.';
comment on column public.system_settings_config.version is
    'Number of the save that last changed this key; the highest one is the version of the whole configuration.';
comment on column public.system_settings_config.updated_by is 'User id, or the database role of a change made in SQL.';

update public.system_settings_config
set value = case lower(trim(both '" ' from value #>> '{}'))
    when 'true' then 'true'::jsonb
    when 'false' then 'false'::jsonb
    else to_jsonb(trim(both '" ' from value #>> '{}'))
end
where key like 'orchestrator\_%' and jsonb_typeof(value) = 'string';


-- Adds the keys that are missing, with their defaults.
create function private.add_missing_settings() returns void
language sql
set search_path = ''
as $$
    insert into public.system_settings_config (key, value, category, description)
    values
        ('orchestrator_primary_model', '"gpt-4o-mini"', 'orchestrator', 'The model that is asked first.'),
        ('orchestrator_fallback_model', '"claude-sonnet-4"', 'orchestrator', 'The model that is asked when the first one fails.'),
        ('orchestrator_enable_fallback', 'true', 'orchestrator', 'Whether a second model is asked at all.')
    on conflict (key) do nothing
$$;

revoke all on function private.add_missing_settings() from public, anon, authenticated;

select private.add_missing_settings();

update public.system_settings_config
set category = 'orchestrator'
where key like 'orchestrator\_%' and category is distinct from 'orchestrator';


create table public.system_settings_history (
    version bigint not null,
    key text not null,
    before jsonb,
    after jsonb,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    primary key (version, key)
);

comment on table public.system_settings_history is 'One row per changed key of each save.';

do $$
declare
    found record;
begin
    for found in
        select policyname from pg_policies where schemaname = 'public' and tablename = 'system_settings_config'
    loop
        execute format('drop policy %I on public.system_settings_config', found.policyname);
    end loop;
end
$$;

alter table public.system_settings_config enable row level security;
alter table public.system_settings_history enable row level security;
revoke all on public.system_settings_config, public.system_settings_history from public, anon, authenticated;
grant select on public.system_settings_config, public.system_settings_history to authenticated;

create policy console_users on public.system_settings_config
for select to authenticated
using ((select private.console_role()) is not null);

create policy console_users on public.system_settings_history
for select to authenticated
using ((select private.console_role()) is not null);


-- After any change of a value: one new version, its history and its audit event, in the change's own transaction.
create function private.record_settings_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
    actor text := coalesce(auth.uid()::text, session_user::text);
    next_version bigint := (select coalesce(max(version), 0) + 1 from public.system_settings_config);
    changed jsonb;
begin
    select jsonb_object_agg(after.key, jsonb_build_object('before', before.value, 'after', after.value))
    into changed
    from values_before as before
    join values_after as after using (key)
    where before.value is distinct from after.value;

    if changed is null then
        return null;
    end if;

    update public.system_settings_config
    set version = next_version, updated_at = now(), updated_by = actor
    where changed ? key;

    insert into public.system_settings_history (version, key, before, after, changed_by)
    select next_version, change.key, change.value -> 'before', change.value -> 'after', actor
    from jsonb_each(changed) as change;

    perform private.append_events(jsonb_build_array(jsonb_build_object(
        'id', gen_random_uuid(),
        'action', 'SYSTEM_CONFIG_UPDATED',
        'user_id', auth.uid(),
        'actor_id', actor,
        'entity_type', 'system_config',
        'entity_id', 'orchestrator',
        'resource_name', 'Orchestrator settings',
        'severity', 'warning',
        'compliance_flags', array['SOC2'],
        'details', jsonb_build_object('version', next_version),
        'changes', changed
    )));
    return null;
end
$$;

revoke all on function private.record_settings_change() from public, anon, authenticated;

create trigger record_change
after update on public.system_settings_config
referencing old table as values_before new table as values_after
for each statement
when (pg_trigger_depth() = 0)
execute function private.record_settings_change();


-- One snapshot of the configuration: {version, settings: {key: {value, updated_at, updated_by, version}}}.
create function public.get_settings() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require_role('admin', 'member', 'orchestrator');
    return (
        select jsonb_build_object(
            'version', coalesce(max(version), 0),
            'settings', coalesce(jsonb_object_agg(key, jsonb_build_object(
                'value', value,
                'updated_at', updated_at,
                'updated_by', updated_by,
                'version', version
            )), '{}')
        )
        from public.system_settings_config
        where key like 'orchestrator\_%'
    );
end
$$;

revoke all on function public.get_settings() from public, anon;
grant execute on function public.get_settings() to authenticated;


-- Ends the call unless this key exists and the value is one that it can have.
create function private.check_setting(setting text, proposed jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
begin
    if setting in ('orchestrator_primary_model', 'orchestrator_fallback_model') then
        if jsonb_typeof(proposed) is distinct from 'string'
            or not exists (select from public.model_prices where model = proposed #>> '{}')
        then
            raise exception using
                errcode = 'PT400',
                message = setting || ' must be one of ' || (
                    select string_agg(distinct model, ', ' order by model) from public.model_prices
                ) || '.';
        end if;
    elsif setting = 'orchestrator_enable_fallback' then
        if jsonb_typeof(proposed) is distinct from 'boolean' then
            raise exception using errcode = 'PT400', message = setting || ' must be true or false.';
        end if;
    else
        raise exception using
            errcode = 'PT400',
            message = 'There is no such setting; the settings are orchestrator_primary_model, '
                || 'orchestrator_fallback_model and orchestrator_enable_fallback.';
    end if;
end
$$;

revoke all on function private.check_setting(text, jsonb) from public, anon, authenticated;


-- Changes several keys at once, for admins. The caller names the version it saw; null skips that check.
-- Nothing is written when a value is refused, when somebody else was faster, or when nothing would change.
create function public.save_settings(p_changes jsonb, p_expected_version bigint default null) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    change record;
begin
    perform private.require_role('admin');
    perform private.add_missing_settings();

    -- In one order, so that two saves wait for each other instead of locking each other out.
    perform from public.system_settings_config where key like 'orchestrator\_%' order by key for update;

    if p_expected_version <> (select max(version) from public.system_settings_config where key like 'orchestrator\_%') then
        raise exception using
            errcode = 'PT409',
            message = 'Somebody changed the settings since you loaded them; load them again and repeat your change.';
    end if;

    for change in select * from jsonb_each(p_changes) loop
        perform private.check_setting(change.key, change.value);
    end loop;

    update public.system_settings_config as config
    set value = p_changes -> config.key
    where p_changes ? config.key and config.value is distinct from p_changes -> config.key;

    return public.get_settings();
end
$$;

revoke all on function public.save_settings(jsonb, bigint) from public, anon;
grant execute on function public.save_settings(jsonb, bigint) to authenticated;
