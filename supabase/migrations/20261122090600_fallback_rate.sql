-- How often the fallback answered, as configured: runs whose models were chosen for once are left out.

-- {completed, fallbacks} of the generations that completed since p_since, simulated ones or real ones.
create function public.get_fallback_rate(p_since timestamptz, p_simulated boolean) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require_role('admin', 'member', 'orchestrator');
    return (
        select jsonb_build_object(
            'completed', count(*),
            'fallbacks', count(*) filter (where details ->> 'fallback_reason' is not null)
        )
        from public.audit_logs
        where action = 'WORKFLOW_GENERATED'
            and timestamp >= p_since
            and coalesce(details ->> 'overridden', 'false') <> 'true'
            and (coalesce(details ->> 'simulated', 'false') = 'true') = p_simulated
    );
end
$$;

revoke all on function public.get_fallback_rate(timestamptz, boolean) from public, anon;
grant execute on function public.get_fallback_rate(timestamptz, boolean) to authenticated;
