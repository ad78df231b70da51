-- name: find_target
select name, document, version, as_written from stringx.targets where name = %(name)s

-- name: put_target
-- Stores the document as the next version. Numbers continue after a deletion, and after a release that kept no versions.
with stored as (
    insert into stringx.targets as t (name, document, version, as_written)
    values (%(name)s, %(document)s,
            1 + coalesce((select max(version) from stringx.target_versions where name = %(name)s), 0), true)
    on conflict (name) do update set document = excluded.document, version = greatest(excluded.version, t.version + 1),
                                     as_written = true, updated_at = now()
    returning name, version, document
)
insert into stringx.target_versions as w (name, version, document, changed_by) select name, version, document, %(changed_by)s from stored
returning version, (select max(o.version) from (
           select p.version, p.document from stringx.target_versions p where p.name = w.name and p.version < w.version
           order by p.version desc limit 100) o where o.document::text = w.document::text) as same_as

-- name: add_target_deletion
insert into stringx.target_versions (name, version, document, changed_by)
select %(name)s, 1 + greatest(%(version)s, max(version)), null, %(changed_by)s from stringx.target_versions where name = %(name)s
returning version

-- name: target_versions
select version, document, changed_by, changed_at, octet_length(document::text) as bytes from stringx.target_versions
where name = %(name)s and (%(before)s::integer is null or version < %(before)s::integer)
order by version desc limit %(limit)s

-- name: delete_target
delete from stringx.targets where name = %(name)s

-- name: count_tables_of_target
select count(*) as tables from stringx.tables where target = %(name)s

-- name: find_table
select target, table_name, document, rules_hash, version, as_written from stringx.tables where target = %(target)s and table_name = %(table)s

-- name: last_version
select coalesce(max(version), 0) as version from stringx.table_versions where target = %(target)s and table_name = %(table)s

-- name: add_deletion
insert into stringx.table_versions (target, table_name, version, document, changed_by)
values (%(target)s, %(table)s, %(version)s, null, %(changed_by)s)

-- name: delete_table
delete from stringx.tables where target = %(target)s and table_name = %(table)s

-- name: versions
select version, document, changed_by, changed_at, octet_length(document::text) as bytes from stringx.table_versions
where target = %(target)s and table_name = %(table)s and (%(before)s::integer is null or version < %(before)s::integer)
order by version desc limit %(limit)s

-- name: targets_after
select name, document, octet_length(document::text) as bytes from stringx.targets
where name > %(name)s and (%(seen)s::text[] is null or name = any(%(seen)s::text[])) order by name limit %(limit)s

-- name: tables_after
select target || '/' || table_name as name, document, octet_length(document::text) as bytes from stringx.tables
where (target, table_name) > (%(target)s, %(table)s) and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
order by target, table_name limit %(limit)s

-- name: targets
select name, document from stringx.targets
