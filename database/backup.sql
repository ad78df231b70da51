-- name: begin
-- One snapshot for all tables. A client that does not read holds it no longer than this.
begin isolation level repeatable read read only;
set local lock_timeout = '10s'; set local statement_timeout = '1h'; set local idle_in_transaction_session_timeout = '5min';
set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; set local extra_float_digits = 1;
set local xmlbinary = 'base64'; set local synchronize_seqscans = off

-- name: tables
-- The tables that are backed up, with their columns; those that are referred to are found by `references`.
select c.oid::bigint as id, n.nspname || '.' || c.relname as name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as quoted,
       (select array_agg(a.attname::text order by a.attnum) from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('stringx', 'dataops') and c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname || '.' || c.relname <> all (%(left_out)s)
order by 2

-- name: references
select distinct conrelid::bigint as referring, confrelid::bigint as referred
from pg_catalog.pg_constraint where contype = 'f' and conrelid <> confrelid

-- name: months
-- For which months partitions exist.
select distinct to_char(to_date(right(c.relname, 7), 'YYYY_MM'), 'YYYY-MM-DD') as month
from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
where i.inhparent in (to_regclass('stringx.check_points'), to_regclass('stringx.rule_points')) and c.relname ~ '_[0-9]{4}_[0-9]{2}$'
order by 1

-- name: sequences
select n.nspname || '.' || c.relname as name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as quoted
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('stringx', 'dataops') and c.relkind = 'S' order by 1

-- name: migrations
select name from public.stringx_migrations order by name

-- name: moment
select to_char(statement_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as now, current_setting('server_version') as version

-- name: mark
-- Committed before a backup is asked for, so that one without it is of another database, or of a standby that is behind.
insert into public.stringx_probe (service, written_at) values ('backup', clock_timestamp())
on conflict (service) do update set written_at = greatest(excluded.written_at, stringx_probe.written_at + interval '1 microsecond')
returning written_at::text as mark

-- name: marked
select exists (select from public.stringx_probe where service = 'backup' and written_at >= %(mark)s::timestamptz) as is_marked

-- name: alone
-- One backup of a database at a time, and none while it is migrated.
select pg_try_advisory_xact_lock(7418205361) as is_alone, pg_try_advisory_xact_lock_shared(7418205331) as is_settled
