-- Whether the event of a completed generation is asked for by source, origin and the model that was asked first, which is
-- the one that the figures count it for.
create or replace function private.is_event_asked_for(p_filters jsonb, p_details jsonb) returns boolean
language sql stable
as $$
    select private.is_asked_for(
            p_filters,
            private.event_source(p_details ->> 'sample', p_details ->> 'simulated'),
            private.event_origin(p_details ->> 'origin')
        )
        and (
            p_filters ->> 'primary_model' is null
            or p_filters ->> 'primary_model' = (
                select coalesce(fact.primary_model, '')
                from private.generation_facts('WORKFLOW_GENERATED', null, p_details) as fact
            )
        )
$$;

revoke all on function private.is_event_asked_for(jsonb, jsonb) from public, anon, authenticated;
