-- The images that are being removed right now. One that a bake is about to register waits until it is not among them.
create table discards (
  image_id text primary key,
  since timestamptz not null default now()
);
