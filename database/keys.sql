-- name: register
-- A key under a name; the row changes only if hash or scopes differ.
insert into stringx.api_keys (name, key_hash, scopes) values (%(name)s, %(key_hash)s, %(scopes)s)
on conflict (name) do update set key_hash = excluded.key_hash, scopes = excluded.scopes
where (api_keys.key_hash, api_keys.scopes) is distinct from (excluded.key_hash, excluded.scopes)

-- name: find
-- The valid key of a hash.
select name, scopes from stringx.api_keys
where key_hash = %(key_hash)s and revoked_at is null and (expires_at is null or expires_at > now())
