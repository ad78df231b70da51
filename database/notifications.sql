-- name: notify
select pg_notify(%(channel)s, payload) from unnest(%(payloads)s::text[]) payload
