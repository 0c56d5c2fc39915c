-- What the machines on a host may take of it. Whoever admits machines there holds its row.
create table host_room (
  host text primary key,
  memory_mb bigint not null,
  vcpus integer not null,
  -- The most machines of one tenant there; null is as many as there is room for.
  tenant_machines integer,
  -- What keeps any machine from being admitted now, whatever room there is; null when nothing does.
  held_up text
);

-- One row for each machine that waits for room on a host or has it: a bake's, over all its attempts, or a trial's. It goes
-- when the machine is known to be gone, which the tables of runs, intents and trials say; nothing is counted up or down.
create table room_claims (
  -- Of the run or the trial.
  id text primary key,
  kind text not null check (kind in ('bake', 'try')),
  tenant text not null references tenants (id),
  host text not null,
  memory_mb bigint not null,
  vcpus integer not null,
  asked_at timestamptz not null default clock_timestamp(),
  -- Null while it waits.
  admitted_at timestamptz,
  -- How many were ahead when the bake's log last said so.
  told_ahead bigint
);

create index room_claims_by_host on room_claims (host, tenant, asked_at);

-- When each tenant was last given room on a host: the one that has waited longest has the next turn.
create table room_turns (
  host text not null,
  tenant text not null references tenants (id),
  last_at timestamptz not null,
  primary key (host, tenant)
);

-- Null: nobody has this trial any more, and what is left of its machine goes.
alter table trials alter column executor drop not null;
