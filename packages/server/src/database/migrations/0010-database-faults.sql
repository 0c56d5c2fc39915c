-- Which master key wraps what is new, and a value wrapped by it: a server that holds another key, or a damaged one, finds out
-- before it encrypts anything that the others could not read.
create table master_key (
  only_row boolean primary key default true check (only_row),
  kek_id text not null,
  wrapped_value bytea not null
);

-- Runs by a prefix of their id, whatever the database's collation.
create index runs_by_id on runs (tenant, id collate "C");

-- How long a step has been watched by servers, by their monotonic clocks: what a limit on it is compared with.
alter table run_steps add column watched_ms bigint not null default 0;
