-- The rate comes from the rollups now, as every other figure.
drop function public.get_fallback_rate(timestamptz, boolean);
