-- Things outside that carry this installation's tags and whose run the database does not know. When they were first seen is kept
-- here, because the clocks by which clouds and hosts write when they were made may differ from this one.
create table unknown_things (
  token text primary key,
  first_seen_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);
