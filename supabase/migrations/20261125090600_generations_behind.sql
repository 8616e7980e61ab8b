-- What the search for the single generations behind a figure needs (20261125091400_generations_behind.sql).

-- Serves the agents with most fallbacks, from the index alone.
create index audit_logs_fallbacks on public.audit_logs (timestamp desc) include (entity_id)
where action = 'WORKFLOW_GENERATED' and details ->> 'fallback_reason' is not null;

-- The id that a text holds; null for any other text.
create function private.id_or_null(value text) returns uuid
language sql immutable
as $$
    select case
        when value ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' then value::uuid
    end
$$;

-- Whether a generation's reason is the one that is asked for; `any` is any but none.
create function private.has_reason(p_filters jsonb, p_reason text) returns boolean
language sql immutable
as $$
    select case p_filters ->> 'fallback_reason'
        when 'any' then p_reason is not null
        else coalesce(p_reason = p_filters ->> 'fallback_reason', p_filters ->> 'fallback_reason' is null)
    end
$$;

revoke all on function private.id_or_null(text), private.has_reason(jsonb, text) from public, anon, authenticated;


-- Whether a number lies within what is asked for under a name: {<name>_from, <name>_to}, both included, null for open.
create function private.is_within(p_filters jsonb, p_name text, p_value numeric) returns boolean
language sql immutable
as $$
    select (p_filters ->> (p_name || '_from') is null or p_value >= (p_filters ->> (p_name || '_from'))::numeric)
        and (p_filters ->> (p_name || '_to') is null or p_value <= (p_filters ->> (p_name || '_to'))::numeric)
$$;

revoke all on function private.is_within(jsonb, text, numeric) from public, anon, authenticated;
