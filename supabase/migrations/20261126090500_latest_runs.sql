-- Serves the list of the latest runs; that of one person's own goes through it too, since an admin's policy holds all.
create index workflows_by_start on public.workflows (started_at desc, generation_id);
