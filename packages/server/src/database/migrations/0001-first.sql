-- A tenant is an organisation at an identity provider: 'local/default', 'github_app/acme'.
-- The tenant 'murmur/platform' owns the builtins, which every tenant can read.
create table tenants (
  id text primary key,
  created_at timestamptz not null default now()
);

-- Names this installation in the tags of everything it makes outside. One row.
create table installation (
  only_row boolean primary key default true check (only_row),
  id text not null
);

-- One data key per tenant, wrapped (AES-256-GCM) by the key-encryption key named here.
create table tenant_keys (
  tenant text primary key references tenants (id),
  kek_id text not null,
  wrapped_key bytea not null,
  created_at timestamptz not null default now()
);

create table api_keys (
  id text primary key,
  tenant text not null references tenants (id),
  subject text not null,
  operator boolean not null,
  secret_hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

create table resources (
  tenant text not null references tenants (id),
  kind text not null,
  name text not null,
  generation bigint not null,
  -- Protobuf JSON with snake_case names: what `get` prints.
  spec jsonb not null,
  author text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Orders resources by creation where the clock cannot.
  ordinal bigint generated always as identity,
  primary key (tenant, kind, name)
);

create index resources_by_creation on resources (tenant, kind, ordinal);

create table resource_generations (
  tenant text not null references tenants (id),
  kind text not null,
  name text not null,
  generation bigint not null,
  -- Null: this generation is the removal.
  spec jsonb,
  author text not null,
  at timestamptz not null,
  primary key (tenant, kind, name, generation)
);

create table resource_references (
  tenant text not null references tenants (id),
  kind text not null,
  name text not null,
  -- The field that refers, such as 'base_image_qemu_ref'.
  path text not null,
  target_tenant text not null references tenants (id),
  target_kind text not null,
  target_name text not null,
  primary key (tenant, kind, name, path),
  foreign key (tenant, kind, name) references resources (tenant, kind, name) on delete cascade
);

create index resource_references_by_target on resource_references (target_tenant, target_kind, target_name);

-- The server processes that share this database. A dead one's runs are taken over.
create table executors (
  id text primary key,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

create table runs (
  id text primary key,
  ordinal bigint generated always as identity unique,
  tenant text not null references tenants (id),
  recipe text not null,
  environment text not null,
  placement text not null,
  image_hash text not null,
  -- 1 for the first build of an identity, 2 for the next one with --force-new or after its artifact was lost.
  build_number integer not null,
  image_name text not null,
  artifact_name text not null,
  substrate text not null,
  scope text not null,
  phase text not null,
  attempt integer not null default 1,
  -- Raised by each take-over; whoever holds an older number must not act on the outside.
  epoch integer not null default 0,
  executor text,
  -- Everything the steps need that is not secret, frozen when the run was started.
  inputs jsonb not null,
  -- The `-e` values under the tenant's key. Null once the run has ended.
  sealed_variables bytea,
  -- Bytes of the guest's output stored in run_log so far.
  guest_offset bigint not null default 0,
  -- Bytes of the redacted log: where the next piece of run_log starts.
  log_size bigint not null default 0,
  keep_on_failure_seconds integer not null default 0,
  kept_until timestamptz,
  -- What opens a shell on the machine kept after a failure.
  kept_shell text,
  cancel_requested_at timestamptz,
  error text,
  author text not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);

-- Single flight: one live run of an identity, across every server.
create unique index runs_single_flight on runs (tenant, recipe, image_hash) where ended_at is null;
create index runs_by_tenant on runs (tenant, ordinal desc);
create index runs_live on runs (id) where ended_at is null;

-- What each live run uses, so that it counts as referenced. Deleted when the run ends.
create table run_references (
  run_id text not null references runs (id) on delete cascade,
  target_tenant text not null,
  target_kind text not null,
  target_name text not null,
  primary key (run_id, target_tenant, target_kind, target_name)
);

create index run_references_by_target on run_references (target_tenant, target_kind, target_name);

create table run_steps (
  run_id text not null references runs (id) on delete cascade,
  attempt integer not null,
  step text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (run_id, attempt, step)
);

-- The redacted log. An offset counts bytes of the UTF-8 text before this piece.
create table run_log (
  run_id text not null references runs (id) on delete cascade,
  start_offset bigint not null,
  text text not null,
  at timestamptz not null default now(),
  primary key (run_id, start_offset)
);

-- What may exist outside because of a run: written before the create is sent, settled when it is gone or registered.
create table intents (
  token text primary key,
  run_id text not null references runs (id) on delete cascade,
  attempt integer not null,
  step text not null,
  substrate text not null,
  created_at timestamptz not null default now(),
  settled_at timestamptz
);

create index intents_open on intents (run_id) where settled_at is null;

-- The completed builds of an identity. The newest that is not missing answers later bakes.
create table artifacts (
  tenant text not null references tenants (id),
  image_name text not null,
  recipe text not null,
  image_hash text not null,
  build_number integer not null,
  run_id text not null,
  artifact_name text not null,
  substrate text not null,
  scope text not null,
  -- The substrate's own reference to it, as its port returned it.
  reference jsonb not null,
  created_at timestamptz not null default now(),
  checked_at timestamptz not null default now(),
  -- Set when the artifact was found gone or damaged.
  missing_at timestamptz,
  primary key (tenant, image_name)
);

create index artifacts_by_identity on artifacts (tenant, recipe, image_hash, build_number desc);

-- Throwaway machines that `try` boots. A row lives as long as its machine may: the executor named here removes both.
create table trials (
  id text primary key,
  tenant text not null references tenants (id),
  executor text not null,
  token text not null,
  substrate text not null,
  created_at timestamptz not null default now()
);
