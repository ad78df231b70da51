-- name: create
-- Under a free name: one that no key has, or only a key that has ended. No row if it is taken.
insert into stringx.api_keys as k (name, key_hash, scopes, prefix, targets, created_by, expires_at)
values (%(name)s, %(key_hash)s, %(scopes)s, %(prefix)s, %(targets)s, %(created_by)s, now() + make_interval(secs => %(life_s)s))
on conflict (name) do update set
    key_hash = excluded.key_hash, scopes = excluded.scopes, prefix = excluded.prefix, targets = excluded.targets,
    created_by = excluded.created_by, created_at = now(), expires_at = excluded.expires_at, revoked_at = null, rotated_at = null,
    last_used_at = null, previous_hash = null, previous_until = null
where k.revoked_at is not null or k.expires_at <= now()
returning *

-- name: find
select *, revoked_at is not null as is_revoked, coalesce(expires_at <= now(), false) as has_expired
from stringx.api_keys where name = %(name)s for update

-- name: names
select name from stringx.api_keys where revoked_at is null order by name limit 1000

-- name: list
select * from stringx.api_keys where %(after)s::text is null or name > %(after)s::text order by name limit %(limit)s

-- name: rotate
update stringx.api_keys set
    key_hash = %(key_hash)s, prefix = %(prefix)s, rotated_at = now(), last_used_at = null,
    previous_hash = case when %(overlap_s)s > 0 then key_hash end,
    previous_until = case when %(overlap_s)s > 0 then now() + make_interval(secs => %(overlap_s)s) end
where name = %(name)s
returning *

-- name: revoke
update stringx.api_keys set revoked_at = now(), previous_hash = null, previous_until = null where name = %(name)s

-- name: other_owners
-- Keys that will administer for good, but for this one.
select count(*) as number from stringx.api_keys
where name <> %(name)s and 'admin' = any (scopes) and targets is null and revoked_at is null and expires_at is null

-- name: lock
select pg_advisory_xact_lock(%(lock)s)
