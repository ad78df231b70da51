-- name: register
-- A key under a name; the row changes only if hash or scopes differ. Another key makes a revoked name valid again; the one before stays valid for
-- `overlap_s`. The audit log tells of each secret.
with changed as (
insert into stringx.api_keys as k (name, key_hash, scopes, prefix) values (%(name)s, %(key_hash)s, %(scopes)s, %(prefix)s)
on conflict (name) do update set
    key_hash = excluded.key_hash, scopes = excluded.scopes, prefix = excluded.prefix, targets = null,
    revoked_at = case when k.key_hash = excluded.key_hash then k.revoked_at end,
    expires_at = case when k.key_hash = excluded.key_hash then k.expires_at end,
    rotated_at = case when k.key_hash = excluded.key_hash then k.rotated_at else now() end,
    previous_hash = case when k.key_hash = excluded.key_hash then k.previous_hash
                         when %(overlap_s)s > 0 and k.targets is null and k.revoked_at is null then k.key_hash end,
    previous_until = case when k.key_hash = excluded.key_hash then k.previous_until else now() + make_interval(secs => %(overlap_s)s) end
where (k.key_hash, k.scopes) is distinct from (excluded.key_hash, excluded.scopes)
returning *
)
insert into stringx.audit (actor, action, subject, details)
select %(actor)s, case when created_at = now() then 'key.created' else 'key.rotated' end, 'key:' || name,
       jsonb_build_object('prefix', prefix, 'scopes', scopes, 'previous_until', case when previous_hash is not null then
           to_char(previous_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end)
from changed where now() in (created_at, rotated_at)

-- name: find
-- The valid key of a hash. `is_unnoted`: nobody wrote down for a minute that it is used.
select name, scopes, targets, last_used_at is null or last_used_at < now() - interval '1 minute' as is_unnoted
from stringx.valid_keys(%(key_hash)s)

-- name: note_use
-- Whoever finds the row locked leaves it to the one who holds it.
update stringx.api_keys set last_used_at = now() where name in (
    select name from stringx.api_keys
    where name = %(name)s and (last_used_at is null or last_used_at < now() - interval '1 minute') for update skip locked)
