-- Erasing what people typed and models wrote. Figures and events stay: they hold none of it.

create table private.text_retention (
    is_only_row boolean primary key default true check (is_only_row),
    days integer check (days between 1 and 36500)
);

comment on table private.text_retention is
    'After how many days prompts and outputs are erased by themselves; null for never. One row.';

alter table private.text_retention enable row level security;
revoke all on private.text_retention from public, anon, authenticated;

insert into private.text_retention (days) values (null);


-- Erases the texts of these generations; returns how many had any. Running ones are left alone: they are still writing.
create function private.erase(p_generation_ids uuid[]) returns integer
language plpgsql
set search_path = ''
as $$
declare
    erased integer;
begin
    update public.workflows as generation
    set
        prompt = '',
        services = '{}',
        pilot_steps = case
            when pilot_steps is not null
            then (select coalesce(jsonb_agg('{}'::jsonb), '[]') from jsonb_array_elements(pilot_steps))
        end,
        findings = '[]',
        rejected_outputs = '[]',
        erased_at = now()
    where generation_id = any (p_generation_ids) and status <> 'running' and erased_at is null;
    get diagnostics erased = row_count;
    return erased;
end
$$;

revoke all on function private.erase(uuid[]) from public, anon, authenticated;


-- Erases all prompts and outputs of one person or API token and appends WORKFLOW_TEXT_ERASED; returns {erased}: how many
-- generations. Admins only, with their second factor if they have one.
-- p_actor: the id of the user, or whatever the platform calls them.
create function public.erase_texts(p_actor text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    erased integer;
begin
    perform private.require('erase_texts');
    perform private.require_second_factor();
    perform private.refuse_unless(length(trim(p_actor)) between 1 and 200, 'Say whose prompts and outputs to erase.');
    erased := private.erase(array(
        select generation_id from public.workflows
        where actor_id = trim(p_actor) or user_id = private.uuid_or_null(trim(p_actor))
    ));
    perform private.append_console_event(jsonb_build_object(
        'action', 'WORKFLOW_TEXT_ERASED',
        'entity_type', 'person',
        'entity_id', trim(p_actor),
        'severity', 'warning',
        'details', jsonb_build_object('generations', erased)
    ));
    return jsonb_build_object('erased', erased);
end
$$;

revoke all on function public.erase_texts(text) from public, anon;
grant execute on function public.erase_texts(text) to authenticated;


-- Returns {days}: after how many days texts are erased by themselves; null for never.
create function public.get_text_retention() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('read_settings');
    return (select jsonb_build_object('days', days) from private.text_retention);
end
$$;

revoke all on function public.get_text_retention() from public, anon;
grant execute on function public.get_text_retention() to authenticated;


-- Sets after how many days texts are erased by themselves, 1 to 36,500 or null for never, and appends
-- SYSTEM_CONFIG_UPDATED if that is a change; returns {days}. Admins only, with their second factor if they have one.
create function public.set_text_retention(p_days integer) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    before integer;
begin
    perform private.require('erase_texts');
    perform private.require_second_factor();
    perform private.refuse_unless(
        p_days is null or p_days between 1 and 36500, 'Texts are kept for 1 to 36,500 days, or for ever.'
    );
    select days into before from private.text_retention for update;
    if before is distinct from p_days then
        update private.text_retention set days = p_days;
        perform private.append_console_event(jsonb_build_object(
            'action', 'SYSTEM_CONFIG_UPDATED',
            'entity_type', 'system_config',
            'entity_id', 'privacy',
            'severity', 'warning',
            'changes', jsonb_build_object('text_retention_days', jsonb_build_object('before', before, 'after', p_days))
        ));
    end if;
    return jsonb_build_object('days', p_days);
end
$$;

revoke all on function public.set_text_retention(integer) from public, anon;
grant execute on function public.set_text_retention(integer) to authenticated;


-- Erases the texts that are older than they are kept, at most 1,000 generations, and appends WORKFLOW_TEXT_ERASED if there
-- were any; returns {erased}. For the orchestrator, which calls it now and then.
create function public.erase_old_texts() returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    kept_days integer;
    erased integer;
begin
    perform private.require('record');
    select days into kept_days from private.text_retention;
    if kept_days is null then
        return '{"erased": 0}';
    end if;
    erased := private.erase(array(
        select generation_id
        from public.workflows
        where erased_at is null and not sample and started_at < now() - kept_days * interval '1 day'
        order by started_at
        limit 1000
    ));
    if erased > 0 then
        perform private.append_console_event(jsonb_build_object(
            'action', 'WORKFLOW_TEXT_ERASED',
            'entity_type', 'workflows',
            'severity', 'info',
            'details', jsonb_build_object('generations', erased, 'older_than_days', kept_days)
        ));
    end if;
    return jsonb_build_object('erased', erased);
end
$$;

revoke all on function public.erase_old_texts() from public, anon;
grant execute on function public.erase_old_texts() to authenticated;
