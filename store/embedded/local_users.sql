-- The person at the machine is the admin of its embedded database; the orchestrator records. Run after the migrations.
insert into public.console_roles (user_id, role)
values
    ('00000000-0000-4000-8000-000000000001', 'admin'),
    ('00000000-0000-4000-8000-000000000002', 'orchestrator')
on conflict (user_id) do nothing;
