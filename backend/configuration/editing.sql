-- name: version
-- A version of a table's document, the newest if none is named. `document` is null for a deletion.
select version, document, changed_by, changed_at from stringx.table_versions
where target = %(target)s and table_name = %(table)s and version = coalesce(%(version)s,
    (select max(version) from stringx.table_versions where target = %(target)s and table_name = %(table)s))

-- name: changes
-- The newest versions, without their documents.
select version, changed_by, changed_at from stringx.table_versions
where target = %(target)s and table_name = %(table)s order by version desc limit %(limit)s

-- name: effective
-- The effective documents of these versions; null for a deletion.
select version, coalesce(effective, document) as document from stringx.table_versions
where target = %(target)s and table_name = %(table)s and version = any(%(versions)s)

-- name: targets
select name from stringx.targets order by name limit 1000
