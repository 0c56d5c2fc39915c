-- Where a thing lives and with whose rights, as its substrate's port made it. Null in rows from before sites were kept, which
-- are all of the server's own host.
alter table intents add column site jsonb;
alter table trials add column site jsonb;
alter table artifacts add column site jsonb;

-- The id by which catalog images name the artifact, such as a disk digest.
alter table artifacts add column image_id text;
update artifacts set image_id = reference ->> 'diskDigest';
-- When a complete list, begun after the intent, first lacked what it is about. It is settled when a later list lacks it too.
alter table intents add column missed_at timestamptz;

create index artifacts_by_image_id on artifacts (image_id);

-- Every site where something was ever made: the reaper visits each by itself, from one server at a time.
create table sites (
  substrate text not null,
  site jsonb not null,
  -- When something was last made there.
  used_at timestamptz not null default now(),
  -- The server that looks there now has it until then.
  visited_until timestamptz,
  -- When the last visit ended, and the last one that saw everything.
  visited_at timestamptz,
  complete_at timestamptz,
  -- Why the last visit did not see or remove everything; null when it did.
  fault text,
  primary key (substrate, site)
);
