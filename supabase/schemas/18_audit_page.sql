-- The audit log as a page: search, single events, and the traces that reading leaves.

-- Serves the events about one person, agent or token.
create index audit_logs_by_entity on public.audit_logs (entity_id, timestamp desc);
-- Serves the events by one person or token.
create index audit_logs_by_actor on public.audit_logs (coalesce(actor_id, user_id::text), timestamp desc);


-- Returns an event as the page shows it: its columns, and the e-mail addresses of its actor and of the person it is about.
create function private.event_json(p_event public.audit_logs) returns jsonb
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
create function public.list_events(p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer) returns jsonb
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
create function public.get_event(p_id uuid) returns jsonb
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
create function public.list_event_kinds() returns jsonb
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
create function public.note_audit_log_read(p_filters jsonb, p_exported boolean) returns jsonb
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
