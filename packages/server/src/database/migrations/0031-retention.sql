-- For finding what ended long ago.
create index runs_by_end on runs (ended_at, ordinal) where ended_at is not null;

-- The audit log stays append-only, apart from what is older than the retention that the removing transaction names.
drop trigger audit_entries_append_only on audit_entries;
drop trigger audit_outcomes_append_only on audit_outcomes;

create function refuse_early_removal() returns trigger language plpgsql as $$
declare
  kept_from timestamptz := nullif(current_setting('murmur.audit_kept_from', true), '')::timestamptz;
begin
  if tg_table_name = 'audit_entries' then
    if old.at < kept_from then
      return old;
    end if;
  elsif exists (select from audit_entries where id = old.entry and at < kept_from) then
    return old;
  end if;
  raise exception 'the audit log is append-only';
end
$$;

create trigger audit_entries_append_only before update or truncate on audit_entries
  for each statement execute function refuse_change();
create trigger audit_outcomes_append_only before update or truncate on audit_outcomes
  for each statement execute function refuse_change();
create trigger audit_entries_removal before delete on audit_entries
  for each row execute function refuse_early_removal();
create trigger audit_outcomes_removal before delete on audit_outcomes
  for each row execute function refuse_early_removal();
