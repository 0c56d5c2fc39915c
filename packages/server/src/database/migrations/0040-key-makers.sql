-- A key made for another gives no more than its maker holds, and ends with the key it was made with.
alter table api_keys add column maker text;
-- No reference: when that key's row is gone, the key has ended as well.
alter table api_keys add column parent_key text;

-- Of keys from before it is known who made them, not with which key. An operator's own rights are with the key alone, and what
-- was made with a tenant was made from outside it.
update api_keys as made set maker = made.author
where not made.operator and made.author not in ('', made.subject) and made.description <> 'Made with the tenant'
  and not exists (select from api_keys as own where own.tenant = made.tenant and own.subject = made.author and own.operator);
