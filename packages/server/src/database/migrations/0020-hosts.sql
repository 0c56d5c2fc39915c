-- A host is a data folder and the server that runs on it. Until now a row was an executor, named after host name and path.
alter table executors rename to hosts;
alter index executors_pkey rename to hosts_pkey;
alter table hosts rename column heartbeat_at to seen_at;
alter table hosts
  -- The machine's name at the last start, for people. Empty for a server of an older release.
  add column name text not null default '',
  -- Set when an operator said that the host is gone; null again when it comes back.
  add column retired_at timestamptz,
  -- The one process that holds this id now; null once it has stopped in order.
  add column instance text,
  -- What tells that process apart on its own machine: {pid, start, boot, namespace}.
  add column process jsonb;

-- Servers of the release before, which may still run while this one starts, beat here.
create view executors as select id, started_at, seen_at as heartbeat_at from hosts;

-- Only this host can go on with the run, for its machine is a process there. Null: any server that has the substrate can.
alter table runs add column host text;
-- How often the run was begun. Each has a workflow of its own, and all but the last spared it the attempt that they broke off.
alter table runs add column begun integer not null default 1;
-- The first attempt of the last one.
alter table runs add column first_attempt integer not null default 1;
update runs set host = executor where substrate = 'QEMU' and ended_at is null;

-- The image lies on this host's disk. Null: any server that has the substrate reaches it.
alter table artifacts add column host text;
update artifacts set host = reference ->> 'host' where substrate = 'QEMU';
create index artifacts_by_host on artifacts (host) where missing_at is null;

-- Hosts whose server has not started since, so that an operator can see and retire them.
insert into hosts (id, started_at, seen_at)
select host, max(created_at), max(created_at) from artifacts where host is not null group by host
on conflict do nothing;
