-- The saves of the settings, newest first, with the name of whoever saved.

-- [{version, changed_at, changed_by, changes: {key: {before, after}}}], at most p_limit of them; [] when nothing was
-- ever changed. changed_by is an e-mail address where there is one, else the id or database role that was recorded.
create function public.get_settings_history(p_limit integer default 50) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require_role('admin', 'member', 'orchestrator');
    return (
        with saves as (
            select
                history.version,
                min(history.changed_at) as changed_at,
                min(history.changed_by) as changed_by,
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
