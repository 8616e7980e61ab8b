-- Functions that answer, refuse and wait as the tests ask them to.

create function public.probe_value(p_json text) returns jsonb
language sql stable as $$ select p_json::jsonb $$;

create function public.probe_echo(
    p_json jsonb default null,
    p_text text default 'left out',
    p_number bigint default 7,
    p_flag boolean default null,
    p_at timestamptz default null
) returns jsonb
language sql stable as $$
    select jsonb_build_object(
        'json', p_json, 'text', p_text, 'characters', length(p_text), 'number', p_number, 'flag', p_flag, 'at', p_at
    )
$$;

create function public.probe_types() returns jsonb
language sql stable as $$
    select jsonb_build_object(
        'bigint', 9223372036854775807,
        'money', 12345678901234567890.123456789::text,
        'numeric', 0.25,
        'float', 1e-7::float8,
        'timestamptz', '2026-11-22 12:00:00.123456+01'::timestamptz,
        'date', '2026-11-22'::date,
        'interval', '1 day 02:03:04'::interval,
        'uuid', '00000000-0000-4000-8000-000000000001'::uuid,
        'array', array['a', null, 'ü'],
        'null', null
    )
$$;

create function public.probe_nothing() returns jsonb
language sql stable as $$ select null::jsonb $$;

create function public.probe_many(p_count integer) returns jsonb
language sql stable as $$ select jsonb_agg(jsonb_build_object('n', n)) from generate_series(1, p_count) as n $$;

create function public.probe_caller() returns jsonb
language sql stable as $$
    select jsonb_build_object('role', current_user, 'user_id', auth.uid(), 'schema', current_schema())
$$;

create table public.probe_rows (value text unique);
alter table public.probe_rows enable row level security;

create function public.probe_write(p_value text) returns jsonb
language sql security definer set search_path = '' as $$
    insert into public.probe_rows (value) values (p_value) returning to_jsonb(value)
$$;

create function public.probe_write_quietly(p_value text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
    return public.probe_write(p_value);
end
$$;

create function private.probe_refuse_late() returns trigger
language plpgsql as $$
begin
    raise exception using errcode = 'PT409', message = 'Too late.';
end
$$;

create constraint trigger refuse_late after insert on public.probe_rows
deferrable initially deferred for each row when (new.value like 'late %') execute function private.probe_refuse_late();

create function public.probe_refuse(p_state text, p_value text) returns jsonb
language plpgsql as $$
begin
    raise exception using errcode = p_state, message = 'A sentence of the function.', detail = p_value;
end
$$;

create function public.probe_quote(p_value text) returns jsonb
language plpgsql as $$
begin
    raise exception 'it does not like %', p_value;
end
$$;

create function public.probe_slow() returns jsonb
language sql as $$ select to_jsonb(pg_sleep(60)::text) $$;

do $$
declare
    probe record;
begin
    for probe in
        select oid::regprocedure as name from pg_proc
        where pronamespace = 'public'::regnamespace and proname like 'probe\_%'
    loop
        execute format('revoke all on function %s from public', probe.name);
        execute format('grant execute on function %s to authenticated', probe.name);
    end loop;
end
$$;
grant execute on function public.probe_caller() to anon;
