-- List prices in US dollars per million tokens, one row per model and span of days.
-- For events that other systems wrote: our own attempts are priced when they are made, by the library that a test
-- holds this table against. A model that this table does not know cannot be chosen in the settings.

create table public.model_prices (
    model text not null check (model <> ''),
    effective_from date not null,
    effective_to date check (effective_to > effective_from),
    input_usd_per_mtok numeric not null check (input_usd_per_mtok >= 0),
    cached_input_usd_per_mtok numeric check (cached_input_usd_per_mtok >= 0),
    cache_write_usd_per_mtok numeric check (cache_write_usd_per_mtok >= 0),
    output_usd_per_mtok numeric not null check (output_usd_per_mtok >= 0),
    primary key (model, effective_from)
);

comment on table public.model_prices is 'One row per model and span of days [effective_from, effective_to); null: until further notice.';
comment on column public.model_prices.model is 'Logical name, as in settings and events.';
comment on column public.model_prices.cache_write_usd_per_mtok is 'Null where writing to the cache costs nothing beyond the input.';

alter table public.model_prices enable row level security;
revoke all on public.model_prices from public, anon, authenticated;
grant select on public.model_prices to authenticated;

create policy prices_are_public on public.model_prices
for select to authenticated
using (true);

-- The first day is the model's release, or an earlier one where no release day is known.
-- Long prompts cost more on gpt-6-luna and, until 2026-03-12, claude-sonnet-4-6: this is their base price.
insert into public.model_prices (
    model, effective_from, input_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok, output_usd_per_mtok
)
values
    ('gpt-4o-mini', '2024-07-18', 0.15, 0.075, null, 0.60),
    ('gpt-6-luna', '2026-01-01', 0.10, 0.01, 0.125, 0.50),
    ('claude-sonnet-4', '2025-05-14', 3.00, 0.30, 3.75, 15.00),
    ('claude-sonnet-4-6', '2026-01-01', 3.00, 0.30, 3.75, 15.00);
