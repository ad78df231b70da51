-- name: of_names
-- The sources of these documents; those without one are left out.
select s.kind, s.name, s.source from jsonb_to_recordset(%(names)s) as n (kind text, name text)
join stringx.sources s on s.kind = n.kind and s.name = n.name

-- name: remember
insert into stringx.sources as s (kind, name, source)
select n.kind, n.name, %(source)s from jsonb_to_recordset(%(names)s) as n (kind text, name text) order by n.kind, n.name
on conflict (kind, name) do update set source = excluded.source where s.source <> excluded.source

-- name: missing
-- What was last applied from this source, and is not among these names; each with its target.
select s.kind, s.name, case s.kind when 'Table' then split_part(s.name, '/', 1) when 'Target' then s.name
                                   when 'Dataset' then (select d.target from stringx.datasets d where d.name = s.name)
                                   when 'Schedule' then (select w.target from stringx.watch_documents w where w.kind = s.kind and w.name = s.name)
                                   else (select l.target from stringx.layers l where l.kind = s.kind and l.name = s.name) end as target
from stringx.sources s
where s.source = %(source)s and not exists (
    select 1 from jsonb_to_recordset(%(names)s) as n (kind text, name text) where n.kind = s.kind and n.name = s.name)
order by s.kind, s.name

-- name: naming_datasets
-- The datasets that name one of these tables (target/table), each with that table.
select d.name, t.table_name, d.target || '/' || t.table_name as path
from stringx.datasets d cross join lateral unnest(coalesce(d.named, d.tables)) as t (table_name)
where d.target || '/' || t.table_name = any(%(paths)s)
order by d.name, t.table_name

-- name: occupied_targets
-- Those of these targets that have tables besides these (target/table), or other documents besides these (kind/name).
select t.target from stringx.tables t
where t.target = any(%(targets)s) and t.target || '/' || t.table_name <> all(%(paths)s)
union
select l.target from stringx.layers l where l.target = any(%(targets)s) and l.kind || '/' || l.name <> all(%(layers)s)
union
select w.target from stringx.watch_documents w where w.target = any(%(targets)s) and w.kind || '/' || w.name <> all(%(layers)s)
