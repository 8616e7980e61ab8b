-- Counts anew where the log holds what was counted otherwise before: models named by a number, by null beside another name, or
-- by what looks like a list or an object; replies that broke one rule twice.

do $$
begin
    if exists (
        select from public.audit_logs
        where action in (
                'WORKFLOW_GENERATED', 'WORKFLOW_GENERATION_FAILED', 'WORKFLOW_GENERATION_CANCELLED', 'WORKFLOW_GENERATION_FALLBACK'
            )
            and (
                jsonb_typeof(details -> 'generator_used') <> 'string'
                or jsonb_typeof(details -> 'generator') <> 'string'
                or jsonb_typeof(details -> 'primary_model') <> 'string'
                or details @? '$.attempts[*].model ? (@.type() != "string")'
                or details @? '$.** ? (@.type() == "string" && @ like_regex "^[{\\[]")'
                or exists (
                    select from jsonb_path_query(details, '$.attempts[*].finding_codes') as codes
                    where (select count(*) > count(distinct code) from jsonb_path_query(codes, '$[*]') as code)
                )
            )
    ) then
        perform private.rebuild_rollups();
    end if;
end
$$;
