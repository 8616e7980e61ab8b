-- Every change of the three system keys is recorded however it is made, in SQL too: by an update, an insert, a delete or
-- a truncate. No other key is, whatever else stands in the table: it may be a secret, and the log keeps what it has.

create function private.setting_keys() returns text[]
language sql immutable
set search_path = ''
as $$
    select array['orchestrator_primary_model', 'orchestrator_fallback_model', 'orchestrator_enable_fallback']
$$;

create table private.recorded_settings (
    key text primary key,
    value jsonb
);
comment on table private.recorded_settings is 'The system keys as they were last recorded; one row per key that is there.';
alter table private.recorded_settings enable row level security;
revoke all on private.recorded_settings from public, anon, authenticated;

insert into private.recorded_settings (key, value)
select key, value
from public.system_settings_config
where key = any (private.setting_keys());

-- The number of the latest save; 0 where there are neither keys nor saves.
create function private.settings_version() returns bigint
language sql stable
set search_path = ''
as $$
    select greatest(
        (select coalesce(max(version), 0) from public.system_settings_config where key = any (private.setting_keys())),
        (select coalesce(max(version), 0) from public.system_settings_history)
    )
$$;

revoke all on function private.setting_keys(), private.settings_version() from public, anon, authenticated;


-- After any change of a system key: one new version, its history and its audit event, in the change's own transaction.
-- A key that was removed stands there as null.
drop trigger record_change on public.system_settings_config;

create or replace function private.record_settings_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
    actor text := coalesce(auth.uid()::text, session_user::text);
    next_version bigint := private.settings_version() + 1;
    changed jsonb;
begin
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

create trigger record_change
after insert or update or delete or truncate on public.system_settings_config
for each statement
when (pg_trigger_depth() = 0)
execute function private.record_settings_change();


-- One snapshot of the configuration: {version, settings: {key: {value, updated_at, updated_by, version}}}.
create or replace function public.get_settings() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require_role('admin', 'member', 'orchestrator');
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


-- Changes several keys at once, for admins. The caller names the version it saw; null skips that check.
-- Nothing is written when a value is refused, when somebody else was faster, or when nothing would change.
create or replace function public.save_settings(p_changes jsonb, p_expected_version bigint default null) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    change record;
begin
    perform private.require_role('admin');

    -- In one order, so that two saves wait for each other instead of locking each other out.
    perform from public.system_settings_config where key = any (private.setting_keys()) order by key for update;

    if p_expected_version <> private.settings_version() then
        raise exception using
            errcode = 'PT409',
            message = 'Somebody changed the settings since you loaded them; load them again and repeat your change.';
    end if;

    for change in select * from jsonb_each(p_changes) loop
        perform private.check_setting(change.key, change.value);
    end loop;

    perform private.add_missing_settings();

    update public.system_settings_config as config
    set value = p_changes -> config.key
    where p_changes ? config.key and config.value is distinct from p_changes -> config.key;

    return public.get_settings();
end
$$;
