-- The key with which this installation signs who it is to clouds, sealed with the key of the platform's own tenant.
create table issuer_key (
  only_row boolean primary key default true check (only_row),
  kid text not null,
  sealed bytea not null,
  created_at timestamptz not null default now()
);
