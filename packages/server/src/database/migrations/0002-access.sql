-- Who made a key, and what for.
alter table api_keys add column description text not null default '';
alter table api_keys add column author text not null default '';

create index api_keys_by_tenant on api_keys (tenant, created_at);

-- As exact as the times that page tokens and the API carry: a list would repeat a row whose time says more.
alter table resources alter column updated_at type timestamptz(3);

-- The orders of a list other than that of creation; names by their bytes, whatever the locale.
create index resources_by_name on resources (tenant, kind, name collate "C", ordinal);
create index resources_by_update on resources (tenant, kind, updated_at, ordinal);

-- The value of one generation of a secret under the tenant's key; tenant, name and generation are authenticated with it.
-- Values of earlier generations are not kept.
create table secret_values (
  tenant text not null references tenants (id),
  name text not null,
  generation bigint not null,
  sealed bytea not null,
  primary key (tenant, name)
);

-- Who did what. A row is written before the call acts; its outcome, once that is known. Neither is ever changed.
create table audit_entries (
  id bigint generated always as identity primary key,
  tenant text not null references tenants (id),
  at timestamptz not null default now(),
  actor text not null,
  -- Empty for a token of an issuer.
  key_id text not null,
  action text not null,
  -- Of the resource the call is about, or 'bake' and a run id; empty where there is no one such.
  kind text not null,
  name text not null,
  -- Whether the caller's permissions sufficed.
  allowed boolean not null
);

create index audit_entries_by_tenant on audit_entries (tenant, id desc);
create index audit_entries_by_resource on audit_entries (tenant, kind, name, id desc);
create index audit_entries_by_actor on audit_entries (tenant, actor, id desc);

create table audit_outcomes (
  entry bigint primary key references audit_entries (id),
  -- 'OK' or the error's code.
  code text not null,
  -- What the call made that has a name of its own: 'bake' and a run id, 'api-key' and the key's id. Empty for nothing.
  made_kind text not null default '',
  made_name text not null default '',
  at timestamptz not null default now()
);

create index audit_outcomes_by_made on audit_outcomes (made_kind, made_name) where made_name <> '';

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end
$$;

create trigger audit_entries_append_only before update or delete or truncate on audit_entries
  for each statement execute function refuse_change();
create trigger audit_outcomes_append_only before update or delete or truncate on audit_outcomes
  for each statement execute function refuse_change();
