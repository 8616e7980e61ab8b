-- What the counters need so that none of their sums holds what is unknown without saying so: of how many the cost is unknown,
-- of how many attempts the duration is known. Both are null until 20261125092100_counters.sql counts anew.

alter table public.generation_rollups add column without_cost bigint;
comment on column public.generation_rollups.without_cost is
    'Generations whose cost is unknown; cost_usd leaves them out.';

-- Nothing read what the attempts of a model cost: a generation's cost belongs to the model that answered.
alter table public.attempt_rollups drop column cost_usd;
alter table public.attempt_rollups add column timed bigint;
comment on column public.attempt_rollups.timed is 'Attempts with a known duration; duration_ms is their sum.';

drop function if exists private.dense(integer[], bigint[]);

-- Counts of values, in any order and a value any number of times, as one array from p_first to p_last.
create function private.dense(p_first integer, p_last integer, p_values integer[], p_counts integer[]) returns integer[]
language plpgsql immutable
set search_path = ''
as $$
declare
    total integer[] := array_fill(0, array[p_last - p_first + 1]);
begin
    for place in 1 .. cardinality(p_values) loop
        total[p_values[place] - p_first + 1] := total[p_values[place] - p_first + 1] + p_counts[place];
    end loop;
    return total;
end
$$;

-- Arrays one after the other.
create aggregate private.joined(integer[]) (sfunc = array_cat, stype = integer[]);

revoke all on function
    private.dense(integer, integer, integer[], integer[]),
    private.joined(integer[])
from public, anon, authenticated;
