-- name: write
-- One row per service, written over and over.
insert into public.stringx_probe (service, written_at) values (%(service)s, clock_timestamp())
on conflict (service) do update set written_at = excluded.written_at
