-- Members read the three system keys and their history, nothing else that an earlier system keeps in the same table: it
-- may be a secret.

drop policy console_users on public.system_settings_config;
create policy console_users on public.system_settings_config
for select to authenticated
using (key = any ((select private.setting_keys())::text[]) and (select private.console_role()) is not null);

drop policy console_users on public.system_settings_history;
create policy console_users on public.system_settings_history
for select to authenticated
using (key = any ((select private.setting_keys())::text[]) and (select private.console_role()) is not null);

-- Policies are checked with the reader's own rights.
grant execute on function private.setting_keys() to authenticated;
