-- name: tables
-- Of these (target, table_name), those that are configured.
select t.target, t.table_name, t.document, t.rules_hash, t.version, t.target_document
from stringx.configured_tables t
join jsonb_to_recordset(%(tables)s) as wanted (target text, table_name text)
  on wanted.target = t.target and wanted.table_name = t.table_name

-- name: gate_settings
-- What gates need of these tables' documents: not the documents themselves, which may have 1 MiB each.
select t.target, t.table_name, t.rules_hash, t.document -> 'gate' as gate, t.target_document,
       jsonb_path_exists(t.document, '$.rules[*] ? (!exists(@.active) || @.active == true)') as has_rules
from stringx.configured_tables t
join jsonb_to_recordset(%(tables)s) as wanted (target text, table_name text)
  on wanted.target = t.target and wanted.table_name = t.table_name

-- name: dataset
select name, target, tables, document, version from stringx.configured_datasets where name = %(name)s

-- name: target
select document from stringx.configured_targets where name = %(name)s

-- name: target_names
select name from stringx.configured_targets order by name
