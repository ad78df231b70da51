-- name: find
select kind, name, target, document, version from stringx.layers where kind = %(kind)s and name = %(name)s

-- name: put
insert into stringx.layers (kind, name, target, document, version)
values (%(kind)s, %(name)s, %(target)s, %(document)s, %(version)s)
on conflict (kind, name) do update set
    target = excluded.target, document = excluded.document, version = excluded.version, updated_at = now()

-- name: delete
delete from stringx.layers where kind = %(kind)s and name = %(name)s

-- name: last_version
select coalesce(max(version), 0) as version from stringx.layer_versions where kind = %(kind)s and name = %(name)s

-- name: add_version
-- `same_as`: the newest of a hundred versions before that had the very document.
insert into stringx.layer_versions as w (kind, name, version, target, document, changed_by)
values (%(kind)s, %(name)s, %(version)s, %(target)s, %(document)s, %(changed_by)s)
returning version, (select max(o.version) from (
           select p.version, p.document from stringx.layer_versions p where p.kind = w.kind and p.name = w.name and p.version < w.version
           order by p.version desc limit 100) o where o.document::text = w.document::text) as same_as

-- name: versions
select version, document, changed_by, changed_at, octet_length(document::text) as bytes from stringx.layer_versions
where kind = %(kind)s and name = %(name)s and (%(before)s::integer is null or version < %(before)s::integer)
  and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
order by version desc limit %(limit)s

-- name: find_target
select document from stringx.targets where name = %(name)s

-- name: after_defaults
select name, document, octet_length(document::text) as bytes from stringx.layers
where kind = 'Defaults' and name > %(name)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[])) order by name limit %(limit)s

-- name: after_rule_sets
select name, document, octet_length(document::text) as bytes from stringx.layers
where kind = 'RuleSet' and name > %(name)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[])) order by name limit %(limit)s

-- name: count_of_target
select count(*) as number from stringx.layers where target = %(target)s
