-- The three system keys, their history, and how they change.
-- Every change of a system key is recorded, including changes made in SQL by an insert, update, delete or truncate.
-- Other keys in the table are never recorded or shown: an earlier system may keep secrets there.
-- An existing table of this name from an earlier system is adopted: missing columns are added, values lose a second
-- pair of quotes, and rows get their category.

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
comment on column public.system_settings_config.updated_by is 'User id, or the database role for a change made in SQL.';

create table public.system_settings_history (
    version bigint not null,
    key text not null,
    before jsonb,
    after jsonb,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    reason text,
    primary key (version, key)
);

comment on column public.system_settings_history.reason is 'Why, in the words of whoever saved; null if nothing was said.';
comment on table public.system_settings_history is 'One row per changed key of each save.';

create table private.recorded_settings (
    key text primary key,
    value jsonb
);

comment on table private.recorded_settings is 'The system keys as last recorded; one row per existing key.';

-- An adopted table may have policies that let anyone in, so all its policies are dropped.
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
alter table private.recorded_settings enable row level security;
revoke all on public.system_settings_config, public.system_settings_history from public, anon, authenticated;
revoke all on private.recorded_settings from public, anon, authenticated;
grant select on public.system_settings_config, public.system_settings_history to authenticated;


-- Returns the system keys: name, kind of value, default, category and description. A key is added by adding its row.
create function private.system_keys()
returns table (key text, kind text, value jsonb, category text, description text)
language sql immutable
set search_path = ''
as $$
    values
        ('orchestrator_primary_model', 'model', '"gpt-4o-mini"'::jsonb, 'orchestrator', 'The model that is asked first.'),
        (
            'orchestrator_fallback_model', 'model', '"claude-sonnet-4"', 'orchestrator',
            'The model that is asked if the primary model fails.'
        ),
        ('orchestrator_enable_fallback', 'switch', 'true', 'orchestrator', 'Whether a second model is asked at all.')
$$;

revoke all on function private.system_keys() from public, anon;
grant execute on function private.system_keys() to authenticated;


-- Returns the names of the system keys.
create function private.setting_keys() returns text[]
language sql immutable
set search_path = ''
as $$
    select array_agg(key) from private.system_keys()
$$;

revoke all on function private.setting_keys() from public, anon;
grant execute on function private.setting_keys() to authenticated;


-- Adds the system keys that are missing, with their defaults. Nobody changed them, so this is no change: what was last
-- recorded is set in the same statement, before the trigger looks. Call it after adding a row to private.system_keys().
create function private.add_missing_keys() returns void
language sql
set search_path = ''
as $$
    with recorded as (
        insert into private.recorded_settings (key, value)
        select system_key.key, coalesce(config.value, system_key.value)
        from private.system_keys() as system_key
        left join public.system_settings_config as config on config.key = system_key.key
        on conflict (key) do nothing
    )

    insert into public.system_settings_config (key, value, category, description)
    select key, value, category, description
    from private.system_keys()
    on conflict (key) do nothing
$$;

revoke all on function private.add_missing_keys() from public, anon, authenticated;


-- Returns the number of the latest save; 0 if there are neither keys nor saves.
create function private.settings_version() returns bigint
language sql stable
set search_path = ''
as $$
    select greatest(
        (select coalesce(max(version), 0) from public.system_settings_config where key = any (private.setting_keys())),
        (select coalesce(max(version), 0) from public.system_settings_history)
    )
$$;

revoke all on function private.settings_version() from public, anon, authenticated;


create policy console_users on public.system_settings_config
for select to authenticated
using (key = any ((select private.setting_keys())::text[]) and (select private.may('read_settings')));

create policy console_users on public.system_settings_history
for select to authenticated
using (key = any ((select private.setting_keys())::text[]) and (select private.may('read_settings')));


-- Clean up adopted values, and insert the defaults of missing keys.
update public.system_settings_config
set value = case lower(trim(both '" ' from value #>> '{}'))
    when 'true' then 'true'::jsonb
    when 'false' then 'false'::jsonb
    else to_jsonb(trim(both '" ' from value #>> '{}'))
end
where key like 'orchestrator\_%' and jsonb_typeof(value) = 'string';

update public.system_settings_config
set category = 'orchestrator'
where key like 'orchestrator\_%' and category is distinct from 'orchestrator';

select private.add_missing_keys();


-- Trigger function that records a change of system keys: one new version, its history and its audit event, in the
-- transaction of the change. A removed key is recorded with a null `after`. The lock makes concurrent changes wait for
-- each other; otherwise both would get the same version.
create function private.record_settings_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
    actor text := coalesce(auth.uid()::text, session_user::text);
    reason text := nullif(current_setting('console.reason', true), '');
    next_version bigint;
    changed jsonb;
begin
    perform pg_advisory_xact_lock(20261126, 1);
    next_version := private.settings_version() + 1;

    with present as (
        select key, value
        from public.system_settings_config
        where key = any (private.setting_keys())
    )

    select jsonb_object_agg(key, jsonb_build_object('before', recorded.value, 'after', present.value))
    into changed
    from private.recorded_settings as recorded
    full join present using (key)
    where recorded.value is distinct from present.value;

    if changed is null then
        return null;
    end if;

    delete from private.recorded_settings where changed ? key;
    insert into private.recorded_settings (key, value)
    select key, value from public.system_settings_config where changed ? key;

    update public.system_settings_config
    set version = next_version, updated_at = now(), updated_by = actor
    where changed ? key;

    insert into public.system_settings_history (version, key, before, after, changed_by, reason)
    select next_version, change.key, change.value -> 'before', change.value -> 'after', actor, reason
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
        'details', jsonb_strip_nulls(jsonb_build_object('version', next_version, 'reason', reason)),
        'changes', changed
    )));
    return null;
end
$$;

revoke all on function private.record_settings_change() from public, anon, authenticated;


create trigger record_change
after insert or update or delete or truncate on public.system_settings_config
for each statement
when (pg_trigger_depth() = 0)
execute function private.record_settings_change();


-- Raises PT400 unless `setting` is a system key and `proposed` is a valid value for it.
create function private.check_setting(setting text, proposed jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
begin
    case (select kind from private.system_keys() where key = setting)
        when 'model' then
            if jsonb_typeof(proposed) is distinct from 'string'
                or not exists (select from public.model_prices where model = proposed #>> '{}')
            then
                raise exception using
                    errcode = 'PT400',
                    message = setting || ' must be one of ' || (
                        select string_agg(distinct model, ', ' order by model) from public.model_prices
                    ) || '.';
            end if;
        when 'switch' then
            if jsonb_typeof(proposed) is distinct from 'boolean' then
                raise exception using errcode = 'PT400', message = setting || ' must be true or false.';
            end if;
        else
            raise exception using
                errcode = 'PT400',
                message = 'There is no such setting; the settings are '
                    || array_to_string(private.setting_keys(), ', ') || '.';
    end case;
end
$$;

revoke all on function private.check_setting(text, jsonb) from public, anon, authenticated;


-- Returns a snapshot of the configuration: {version, settings: {key: {value, updated_at, updated_by, version}}}.
create function public.get_settings() returns jsonb
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
create function public.save_settings(
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
create function public.get_settings_history(p_limit integer default 50) returns jsonb
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
