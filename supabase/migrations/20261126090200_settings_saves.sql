-- One version for each save, and one save for each version, however saves meet.

-- The system keys as they are where nobody has set them.
create function private.initial_settings() returns table (key text, value jsonb, category text, description text)
language sql immutable
set search_path = ''
as $$
    values
        ('orchestrator_primary_model', '"gpt-4o-mini"'::jsonb, 'orchestrator', 'The model that is asked first.'),
        ('orchestrator_fallback_model', '"claude-sonnet-4"', 'orchestrator', 'The model that is asked when the first one fails.'),
        ('orchestrator_enable_fallback', 'true', 'orchestrator', 'Whether a second model is asked at all.')
$$;

revoke all on function private.initial_settings() from public, anon, authenticated;

drop function private.add_missing_settings();


-- After any change of a system key: one new version, its history and its audit event, in the change's own transaction.
-- A key that was removed stands there as null. Two changes at once come one after the other, or both would be the same
-- version.
create or replace function private.record_settings_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
    actor text := coalesce(auth.uid()::text, session_user::text);
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


-- Changes several keys at once, for admins, and adds those that are not there. The caller names the version it saw; null
-- skips that check. Nothing is written when a value is refused, when somebody else was faster, or when nothing would change.
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

    insert into public.system_settings_config as config (key, value, category, description)
    select key, coalesce(p_changes -> key, value), category, description
    from private.initial_settings()
    on conflict (key) do update set value = excluded.value
    where p_changes ? excluded.key and config.value is distinct from excluded.value;

    return public.get_settings();
end
$$;

revoke all on function public.save_settings(jsonb, bigint) from public, anon;
grant execute on function public.save_settings(jsonb, bigint) to authenticated;
