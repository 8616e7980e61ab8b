-- List prices in US dollars per million tokens, one row per model and period.
-- They are for events written by other systems. The orchestrator's own attempts are priced when they are made, by a
-- library; a test checks this table against it. A model that is not in this table cannot be chosen in the settings.

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

comment on table public.model_prices is
    'One row per model and period [effective_from, effective_to); effective_to is null until further notice.';
comment on column public.model_prices.model is 'Logical name, as in settings and events.';
comment on column public.model_prices.cache_write_usd_per_mtok is
    'Null if writing to the cache adds nothing to the price of the input.';

alter table public.model_prices enable row level security;
revoke all on public.model_prices from public, anon, authenticated;
grant select on public.model_prices to authenticated;

create policy prices_are_public on public.model_prices
for select to authenticated
using (true);

-- effective_from is the model's release day, or an earlier day if the release day is unknown.
-- gpt-6-luna and, until 2026-03-12, claude-sonnet-4-6 cost more for long prompts; these are their base prices.
insert into public.model_prices (
    model, effective_from, input_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok, output_usd_per_mtok
)
values
    ('gpt-4o-mini', '2024-07-18', 0.15, 0.075, null, 0.60),
    ('gpt-6-luna', '2026-01-01', 0.10, 0.01, 0.125, 0.50),
    ('claude-sonnet-4', '2025-05-14', 3.00, 0.30, 3.75, 15.00),
    ('claude-sonnet-4-6', '2026-01-01', 3.00, 0.30, 3.75, 15.00);
