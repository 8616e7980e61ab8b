-- API tokens, and how many requests each caller may make.

create table private.request_minutes (
    caller text primary key,
    minute timestamptz not null,
    requests integer not null
);

comment on table private.request_minutes is 'How many requests a caller has made in the latest minute it made one.';

alter table private.request_minutes enable row level security;
revoke all on private.request_minutes from public, anon, authenticated;


-- Adds an API token; returns {token_id}. Admins only, with their second factor if they have one.
-- p_scopes: some of report, generate and events.
-- p_secret_sha256: hash of the token, which itself never comes here; p_hint: its first characters.
create function public.make_api_token(
    p_name text, p_scopes jsonb, p_requests_per_minute integer, p_secret_sha256 text, p_hint text
)
returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    made private.api_tokens;
begin
    perform private.require('manage_people');
    perform private.require_second_factor();
    perform private.refuse_unless(
        length(trim(p_name)) between 1 and 100 and p_name !~ '[[:cntrl:]]', 'A token needs a name of at most 100 characters.'
    );
    perform private.refuse_unless(
        jsonb_typeof(p_scopes) = 'array'
        and jsonb_array_length(p_scopes) > 0
        and p_scopes <@ (select jsonb_agg(distinct scope) from private.permissions() where scope is not null),
        'A token needs at least one of these scopes: '
        || (select string_agg(distinct scope, ', ' order by scope) from private.permissions()) || '.'
    );
    perform private.refuse_unless(
        p_requests_per_minute between 1 and 100000, 'A token may make 1 to 100,000 requests a minute.'
    );
    insert into private.api_tokens (name, secret_sha256, hint, scopes, requests_per_minute, created_by)
    values (
        trim(p_name), p_secret_sha256, p_hint, array(select distinct jsonb_array_elements_text(p_scopes)),
        p_requests_per_minute, auth.uid()
    )
    returning * into made;
    perform private.append_console_event(jsonb_build_object(
        'action', 'API_TOKEN_CREATED',
        'entity_type', 'api_token',
        'entity_id', made.token_id,
        'resource_name', made.name,
        'severity', 'warning',
        'details', jsonb_build_object('scopes', made.scopes, 'requests_per_minute', made.requests_per_minute)
    ));
    return jsonb_build_object('token_id', made.token_id);
end
$$;

revoke all on function public.make_api_token(text, jsonb, integer, text, text) from public, anon;
grant execute on function public.make_api_token(text, jsonb, integer, text, text) to authenticated;


-- Revokes an API token, at once and for good; returns {}. Admins only.
create function public.revoke_api_token(p_token_id uuid) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    revoked private.api_tokens;
begin
    perform private.require('manage_people');
    perform private.require_second_factor();
    update private.api_tokens
    set revoked_at = now(), revoked_by = auth.uid()
    where token_id = p_token_id and revoked_at is null
    returning * into revoked;
    perform private.refuse_unless(revoked.token_id is not null, 'There is no such token, or it was revoked before.');
    perform private.append_console_event(jsonb_build_object(
        'action', 'API_TOKEN_REVOKED',
        'entity_type', 'api_token',
        'entity_id', revoked.token_id,
        'resource_name', revoked.name,
        'severity', 'warning'
    ));
    return '{}';
end
$$;

revoke all on function public.revoke_api_token(uuid) from public, anon;
grant execute on function public.revoke_api_token(uuid) to authenticated;


-- Returns all API tokens, the latest first: [{token_id, name, hint, scopes, requests_per_minute, created_at, created_by,
-- last_used_at, revoked_at}]; created_by is an e-mail address.
create function public.list_api_tokens() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform private.require('manage_people');
    return (
        with tokens as (
            select
                api_tokens.token_id,
                api_tokens.name,
                api_tokens.hint,
                to_jsonb(api_tokens.scopes) as scopes,
                api_tokens.requests_per_minute,
                api_tokens.created_at,
                users.email as created_by,
                api_tokens.last_used_at,
                api_tokens.revoked_at
            from private.api_tokens
            left join auth.users as users on users.id = api_tokens.created_by
        )

        select coalesce(jsonb_agg(to_jsonb(tokens) order by created_at desc, token_id), '[]')
        from tokens
    );
end
$$;

revoke all on function public.list_api_tokens() from public, anon;
grant execute on function public.list_api_tokens() to authenticated;


-- Admits one request of the caller, who needs this permission; returns {user_id, actor_id, wait_s}. actor_id says who
-- generates and records: a user id, or token: and the id of an API token, which has no user. wait_s is 0, or the seconds
-- until the caller may make another request, who then has made too many in this minute.
create function public.admit_request(p_permission text) returns jsonb
language plpgsql security definer
set search_path = ''
as $$
declare
    token private.api_tokens;
    caller text;
    window_start timestamptz := date_trunc('minute', now());
    made integer;
begin
    perform private.require(p_permission);
    select * into token from private.api_tokens where token_id = private.api_token_id();
    caller := coalesce('token:' || token.token_id, auth.uid()::text);

    insert into private.request_minutes as counted (caller, minute, requests)
    values (caller, window_start, 1)
    on conflict on constraint request_minutes_pkey do update
    set
        minute = excluded.minute,
        requests = case when counted.minute = excluded.minute then counted.requests + 1 else 1 end
    returning requests into made;
    if token.last_used_at is null or token.last_used_at < now() - interval '1 minute' then
        update private.api_tokens set last_used_at = now() where token_id = token.token_id;
    end if;
    return jsonb_build_object(
        'user_id', case when token.token_id is null then auth.uid() end,
        'actor_id', caller,
        'wait_s', case
            when made <= coalesce(token.requests_per_minute, 300) then 0
            else greatest(1, ceil(extract(epoch from window_start + interval '1 minute' - now())))::integer
        end
    );
end
$$;

revoke all on function public.admit_request(text) from public, anon;
grant execute on function public.admit_request(text) to authenticated;
