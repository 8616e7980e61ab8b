-- What models answered and validation refused, for whoever may see the runs.

-- Serves the list below; holds the few runs that have any.
create index workflows_rejected on public.workflows (started_at desc) where rejected_outputs <> '[]';

-- The latest refused answers of runs that started from p_from to before p_to, newest first, at most p_limit.
-- p_filters: {source, origin} as for the figures, and {model, code}, each null for any.
-- [{generation_id, at, agent_id, model, codes, findings, text, prompt}]; findings: what refused it, [{path, code, message}];
-- text: its first 4,000 characters; prompt: its first 200.
create function public.list_rejected_outputs(
    p_from timestamptz, p_to timestamptz, p_filters jsonb, p_limit integer default 20
)
returns jsonb
language sql stable
set search_path = ''
as $$
    with rejected as (
        select
            run.generation_id,
            run.started_at as at,
            run.agent_id,
            run.attempts -> (output.value ->> 'attempt')::integer ->> 'model' as model,
            run.attempts -> (output.value ->> 'attempt')::integer -> 'finding_codes' as codes,
            (
                select coalesce(jsonb_agg(finding.value order by finding.ordinality), '[]')
                from jsonb_array_elements(run.findings) with ordinality as finding
                where finding.value -> 'attempt' = output.value -> 'attempt' and finding.value ->> 'severity' = 'error'
            ) as findings,
            left(output.value ->> 'text', 4000) as text,
            left(run.prompt, 200) as prompt
        from public.workflows as run
        cross join lateral jsonb_array_elements(run.rejected_outputs) as output
        where run.rejected_outputs <> '[]'
            and run.started_at >= p_from
            and run.started_at < p_to
            and case p_filters ->> 'source'
                when 'real' then not run.simulated
                when 'simulated' then run.simulated
                else true
            end
            and (p_filters ->> 'origin' is null or run.origin = p_filters ->> 'origin')
    ),

    found as (
        select *
        from rejected
        where (p_filters ->> 'model' is null or model = p_filters ->> 'model')
            and (p_filters ->> 'code' is null or codes ? (p_filters ->> 'code'))
        order by at desc, generation_id
        limit p_limit
    )

    select coalesce(jsonb_agg(to_jsonb(found) order by found.at desc, found.generation_id), '[]')
    from found
$$;

revoke all on function public.list_rejected_outputs(timestamptz, timestamptz, jsonb, integer) from public, anon;
grant execute on function public.list_rejected_outputs(timestamptz, timestamptz, jsonb, integer) to authenticated;
