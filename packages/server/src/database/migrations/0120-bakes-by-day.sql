-- What the bakes of some days were is asked by whoever looks at a page of them.
create index runs_by_day on runs (tenant, created_at);

-- Requests for bakes that were answered without one are in the audit log alone.
create index audit_entries_of_bakes on audit_entries (tenant, at) where action = 'StartBake';
