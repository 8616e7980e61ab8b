-- Every object of the schemas public and private with all that is said of it: kind, name, definition.
-- The order of a table's columns is left out: it says in which order history added them.
with ours as (
    select oid, nspname, nspacl
    from pg_namespace
    where nspname in ('public', 'private')
),

relations as (
    select pg_class.*, format('%s.%s', nspname, relname) as name
    from pg_class
    inner join ours on ours.oid = relnamespace
),

functions as (
    select pg_proc.*
    from pg_proc
    inner join ours on ours.oid = pronamespace
)

select 'schemas' as kind, nspname::text as name, coalesce(nspacl::text, '') as definition
from ours
union all
select
    'tables',
    name,
    concat_ws(
        ' ', relkind, relpersistence, relrowsecurity, relforcerowsecurity, reloptions, pg_get_userbyid(relowner),
        (select array_agg(item::text order by item::text) from unnest(relacl) as item)
    )
from relations
where relkind in ('r', 'v', 'c', 'S')
union all
select
    'columns',
    format('%s.%s', name, attname),
    concat_ws(
        ' ', format_type(atttypid, atttypmod), case when attnotnull then 'not null' end,
        pg_get_expr(adbin, adrelid), attgenerated, attidentity, attacl
    )
from relations
inner join pg_attribute on attrelid = relations.oid
left join pg_attrdef on adrelid = attrelid and adnum = attnum
where relkind in ('r', 'v', 'c') and attnum > 0 and not attisdropped
union all
-- From Postgres 18 on, not null is a constraint too; here it is part of the column.
select 'constraints', format('%s %s', name, conname), pg_get_constraintdef(pg_constraint.oid)
from relations
inner join pg_constraint on conrelid = relations.oid
where contype <> 'n'
union all
select 'indexes', name, pg_get_indexdef(oid)
from relations
where relkind = 'i'
union all
select
    'policies',
    format('%s.%s %s', schemaname, tablename, policyname),
    concat_ws(' ', permissive, roles, cmd, qual, with_check)
from pg_policies
union all
select 'triggers', format('%s %s', name, tgname), concat_ws(' ', pg_get_triggerdef(pg_trigger.oid), tgenabled)
from relations
inner join pg_trigger on tgrelid = relations.oid
where not tgisinternal
union all
select
    'functions',
    oid::regprocedure::text,
    concat_ws(
        ' ', case when prokind = 'a' then 'aggregate' else pg_get_functiondef(oid) end, pg_get_userbyid(proowner),
        coalesce((select array_agg(item::text order by item::text)::text from unnest(proacl) as item), 'by default')
    )
from functions
union all
select 'comments', pg_describe_object(classoid, objoid, objsubid), description
from pg_description
where (classoid, objoid) in (
    select 'pg_class'::regclass, oid from relations
    union all
    select 'pg_proc'::regclass, oid from functions
)
union all
select
    'default privileges',
    concat_ws(' ', pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype),
    defaclacl::text
from pg_default_acl
union all
select
    'prices',
    format('%s %s', model, effective_from),
    format(
        '(%L, %L, %L, %L, %L, %L, %L)', model, effective_from, effective_to, input_usd_per_mtok,
        cached_input_usd_per_mtok, cache_write_usd_per_mtok, output_usd_per_mtok
    )
from public.model_prices
