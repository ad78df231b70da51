-- name: sessions
-- Who uses the database beside this session: services, or everybody. Without rights on the role of a session, only its name is seen.
select pid, coalesce(nullif(application_name, ''), 'unnamed') as name, host(client_addr) as address
from pg_catalog.pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and coalesce(backend_type, 'client backend') = 'client backend'
  and (application_name ~ '^stringx( |$)' or not %(services)s)
order by 2, 1 limit 6

-- name: alone
-- No migration and no other restoring meanwhile.
select pg_try_advisory_xact_lock(7418205331) as held

-- name: has_schema
select to_regnamespace('stringx') is not null or to_regnamespace('dataops') is not null as held

-- name: is_ours
-- Whether the schemas are those of migrations, and not another program's of the same names.
select to_regclass('public.stringx_migrations') is not null as held

-- name: keys
-- Whether it holds keys that migrations do not make.
select exists (select from stringx.api_keys where name not in ('api-key', 'service-key')) as held

-- name: drop
drop schema if exists stringx cascade; drop schema if exists dataops cascade;
drop table if exists public.stringx_migrations, public.stringx_probe, public.stringx_loops cascade

-- name: settings
set local lock_timeout = '10s'; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; set local extra_float_digits = 1;
set local xmlbinary = 'base64'; set local check_function_bodies = on; set local maintenance_work_mem = '256MB'

-- name: record
-- The first entry that the audit log of the restored database has of its own.
insert into stringx.audit (actor, action, subject, details) values (%(actor)s, 'backup.restored', 'database:internal', %(details)s)
