-- name: find
select name, target, tables, document, version, as_written from stringx.datasets where name = %(name)s

-- name: lock
select target, version, document, as_written from stringx.datasets where name = %(name)s for update

-- name: after
select name, document, octet_length(document::text) as bytes from stringx.datasets
where name > %(name)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[])) order by name limit %(limit)s

-- name: naming_table
-- The datasets that name a table.
select name from stringx.datasets where target = %(target)s and %(table)s = any(coalesce(named, tables)) order by name

-- name: find_target
select name from stringx.targets where name = %(name)s

-- name: configured_tables
select table_name from stringx.tables where target = %(target)s and table_name = any(%(tables)s)

-- name: put
insert into stringx.datasets (name, target, tables, named, patterns, document, version, as_written)
values (%(name)s, %(target)s,
        case when %(patterns)s::text[] is null then %(named)s::text[]
             else stringx.dataset_tables(%(target)s, %(named)s::text[], %(patterns)s::text[]) end,
        %(named)s::text[], %(patterns)s::text[], %(document)s, %(version)s, true)
on conflict (name) do update set
    target = excluded.target, tables = excluded.tables, named = excluded.named, patterns = excluded.patterns, document = excluded.document, version = excluded.version,
    as_written = true, updated_at = now()

-- name: too_large
-- A dataset of these targets for whose patterns too many tables match.
select name, cardinality(tables) as tables from stringx.datasets
where target = any(%(targets)s) and patterns is not null and cardinality(tables) > %(most)s order by name limit 1

-- name: delete
delete from stringx.datasets where name = %(name)s

-- name: last_version
select coalesce(max(version), 0) as version from stringx.dataset_versions where name = %(name)s

-- name: add_version
-- `same_as`: the newest of a hundred versions before that had the very document.
insert into stringx.dataset_versions as w (name, version, document, changed_by)
values (%(name)s, %(version)s, %(document)s, %(changed_by)s)
returning version, (select max(o.version) from (
           select p.version, p.document from stringx.dataset_versions p where p.name = w.name and p.version < w.version
           order by p.version desc limit 100) o where o.document::text = w.document::text) as same_as

-- name: versions
-- Those of targets that the caller sees; a deletion is of the target of the version before.
select version, document, changed_by, changed_at, octet_length(document::text) as bytes from stringx.dataset_versions v
where name = %(name)s
  and (%(seen)s::text[] is null or coalesce(document ->> 'target', (
      select b.document ->> 'target' from stringx.dataset_versions b
      where b.name = v.name and b.version < v.version and b.document is not null order by b.version desc limit 1)) = any(%(seen)s::text[]))
  and (%(before)s::integer is null or version < %(before)s::integer)
order by version desc limit %(limit)s
