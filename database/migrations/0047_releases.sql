-- Which release a process is of, and that web processes run at all: an upgrade goes from role to role (docs/decisions/0044-the-chart.md).

-- A web process reports under the service `web:backend` or `web:api`, with no loops: its own /readyz tells those. Null: of an earlier release.
alter table public.stringx_loops add column release text;
