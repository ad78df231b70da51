-- name: find
select kind, name, target, document, version from stringx.watch_documents where kind = %(kind)s and name = %(name)s

-- name: rows
-- Those of these documents that are stored.
select w.kind, w.name, w.target, w.document, w.version
from jsonb_to_recordset(%(names)s) as n (kind text, name text) join stringx.watch_documents w on w.kind = n.kind and w.name = n.name

-- name: write
-- Stores each as its next version. `same_as`: the newest of a hundred versions before that had the very document.
with numbered as (
    select g.*, 1 + coalesce((select max(v.version) from stringx.watch_versions v where v.kind = g.kind and v.name = g.name), 0) as version
    from jsonb_to_recordset(%(documents)s) as g (kind text, name text, target text, document jsonb)),
stored as (
    insert into stringx.watch_documents (kind, name, target, document, version)
    select kind, name, target, document, version from numbered order by kind, name
    on conflict (kind, name) do update set
        target = excluded.target, document = excluded.document, version = excluded.version, updated_at = clock_timestamp()),
kept as (
    insert into stringx.watch_versions (kind, name, version, target, document, changed_by)
    select kind, name, version, target, document, %(changed_by)s from numbered
    returning kind, name, version, document)
select k.kind, k.name, k.version, (select max(o.version) from (
           select p.version, p.document from stringx.watch_versions p where p.kind = k.kind and p.name = k.name and p.version < k.version
           order by p.version desc limit 100) o where o.document::text = k.document::text) as same_as
from kept k

-- name: delete
delete from stringx.watch_documents where kind = %(kind)s and name = %(name)s

-- name: add_deletion
insert into stringx.watch_versions (kind, name, version, target, document, changed_by)
select kind, name, 1 + max(version), %(target)s, null, %(changed_by)s from stringx.watch_versions
where kind = %(kind)s and name = %(name)s group by kind, name
returning version

-- name: versions
-- A schedule may have been of another target.
select version, document, changed_by, changed_at, octet_length(document::text) as bytes from stringx.watch_versions
where kind = %(kind)s and name = %(name)s and (%(before)s::integer is null or version < %(before)s::integer)
  and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
order by version desc limit %(limit)s

-- name: after_schedules
select name, document, octet_length(document::text) as bytes from stringx.watch_documents
where kind = 'Schedule' and name > %(name)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
  and (%(of_target)s::text is null or target = %(of_target)s)
order by name limit %(limit)s

-- name: after_channels
select name, document, octet_length(document::text) as bytes from stringx.watch_documents
where kind = 'Channel' and name > %(name)s and %(is_admin)s order by name limit %(limit)s

-- name: after_routes
select name, document, octet_length(document::text) as bytes from stringx.watch_documents
where kind = 'Route' and name > %(name)s and %(is_admin)s order by name limit %(limit)s

-- name: names
-- As the one who asks sees them.
select name from stringx.watch_documents
where kind = %(kind)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[])) order by name limit 10000

-- name: counts
select kind, count(*) as number from stringx.watch_documents group by kind

-- name: references
-- What schedules and routes name.
select kind, name, target, document ->> 'table' as table_name, document ->> 'dataset' as dataset, document ->> 'channel' as channel
from stringx.watch_documents where kind in ('Schedule', 'Route') order by kind desc, name

-- name: named_tables
-- The tables of this target that are configured.
select table_name from stringx.tables where target = %(target)s order by table_name

-- name: target_of_dataset
select target from stringx.datasets where name = %(name)s

-- name: without_window_column
-- This table, and the tables of this dataset, as far as requests must name the column of a window.
select t.table_name from stringx.tables t
where t.target = %(target)s and coalesce(t.effective, t.document) ->> 'window_column' is null
  and (t.table_name = %(table)s or t.table_name = any(coalesce((select d.tables from stringx.datasets d where d.name = %(dataset)s), '{}')))
order by t.table_name

-- name: matching_nothing
-- Those of these patterns that match no configured table; where `with_datasets`, no dataset either. `target`: null for all.
select p.place from unnest(%(patterns)s::text[]) with ordinality as p (pattern, place)
where not exists (select from stringx.tables t where (%(target)s::text is null or t.target = %(target)s) and t.table_name ~ p.pattern)
  and not (%(with_datasets)s and exists (select from stringx.datasets d
                                         where (%(target)s::text is null or d.target = %(target)s) and d.name ~ p.pattern))
order by p.place
