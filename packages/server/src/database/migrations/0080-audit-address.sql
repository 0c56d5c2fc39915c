-- Where a call came from; empty for entries older than this.
alter table audit_entries add column address text not null default '';
