-- name: find
select kind, name, target, document, version from stringx.watch_documents where kind = %(kind)s and name = %(name)s

-- name: put
insert into stringx.watch_documents (kind, name, target, document, version)
values (%(kind)s, %(name)s, %(target)s, %(document)s, %(version)s)
on conflict (kind, name) do update set
    target = excluded.target, document = excluded.document, version = excluded.version, updated_at = clock_timestamp()

-- name: delete
delete from stringx.watch_documents where kind = %(kind)s and name = %(name)s

-- name: last_version
select coalesce(max(version), 0) as version from stringx.watch_versions where kind = %(kind)s and name = %(name)s

-- name: add_version
-- `same_as`: the newest of a hundred versions before that had the very document.
insert into stringx.watch_versions as w (kind, name, version, target, document, changed_by)
values (%(kind)s, %(name)s, %(version)s, %(target)s, %(document)s, %(changed_by)s)
returning version, (select max(o.version) from (
           select p.version, p.document from stringx.watch_versions p where p.kind = w.kind and p.name = w.name and p.version < w.version
           order by p.version desc limit 100) o where o.document::text = w.document::text) as same_as

-- name: versions
-- A schedule may have been of another target.
select version, document, changed_by, changed_at, octet_length(document::text) as bytes from stringx.watch_versions
where kind = %(kind)s and name = %(name)s and (%(before)s::integer is null or version < %(before)s::integer)
  and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
order by version desc limit %(limit)s

-- name: after_schedules
select name, document, octet_length(document::text) as bytes from stringx.watch_documents
where kind = 'Schedule' and name > %(name)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
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

-- name: count
select count(*) as number from stringx.watch_documents where kind = %(kind)s

-- name: references
-- What schedules and routes name.
select kind, name, target, document ->> 'table' as table_name, document ->> 'dataset' as dataset, document ->> 'channel' as channel
from stringx.watch_documents where kind in ('Schedule', 'Route') order by kind desc, name

-- name: named_tables
-- The tables of this target that are configured.
select table_name from stringx.tables where target = %(target)s order by table_name

-- name: target_of_dataset
select target from stringx.datasets where name = %(name)s

-- name: matching_nothing
-- Those of these patterns that match no configured table; where `with_datasets`, no dataset either. `target`: null for all.
select p.place from unnest(%(patterns)s::text[]) with ordinality as p (pattern, place)
where not exists (select from stringx.tables t where (%(target)s::text is null or t.target = %(target)s) and t.table_name ~ p.pattern)
  and not (%(with_datasets)s and exists (select from stringx.datasets d
                                         where (%(target)s::text is null or d.target = %(target)s) and d.name ~ p.pattern))
order by p.place
