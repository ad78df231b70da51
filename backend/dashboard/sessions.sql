-- name: begin
-- Those that have expired go at the same time.
with expired as (delete from stringx.sessions where expires_at < now())
insert into stringx.sessions (token_hash, key_name, key_hash, expires_at)
values (%(token_hash)s, %(key_name)s, %(key_hash)s, now() + make_interval(hours => %(hours)s))

-- name: find
-- Only as long as the key is valid, and is the same one, or the one before a rotation that is still valid.
select k.name, k.scopes, k.targets from stringx.sessions s
cross join lateral stringx.valid_keys(s.key_hash) k
where s.token_hash = %(token_hash)s and s.expires_at > now() and k.name = s.key_name

-- name: finish
delete from stringx.sessions where token_hash = %(token_hash)s

-- name: wait_s
-- Seconds until the address may try again: none for its first wrong keys, then twice as long after each.
select greatest(0, extract(epoch from last_at + make_interval(secs => least(%(longest)s, 2.0 ^ (failures - %(free)s))) - now()))::float8 as wait_s
from stringx.login_failures where address = %(address)s and failures >= %(free)s and last_at > now() - interval '1 hour'

-- name: failed
with old as (delete from stringx.login_failures where last_at < now() - interval '1 hour' and address <> %(address)s)
insert into stringx.login_failures as f (address, failures, last_at) values (%(address)s, 1, now())
on conflict (address) do update set
    failures = case when f.last_at < now() - interval '1 hour' then 1 else least(f.failures + 1, 1000) end, last_at = now()

-- name: succeeded
delete from stringx.login_failures where address = %(address)s
