-- name: tables
-- Of these (target, table_name), those that are configured.
select t.target, t.table_name, t.document, t.rules_hash, t.version, t.target_document
from stringx.configured_tables t
join jsonb_to_recordset(%(tables)s) as wanted (target text, table_name text)
  on wanted.target = t.target and wanted.table_name = t.table_name

-- name: gate_settings
select table_name, rules_hash, gate, target_document, has_rules from stringx.gate_settings(%(target)s, %(tables)s)

-- name: dataset
select name, target, tables, document, version from stringx.configured_datasets where name = %(name)s

-- name: target
select document from stringx.configured_targets where name = %(name)s

-- name: target_names
select name from stringx.configured_targets order by name

-- name: adapters
-- Of all targets; null of documents that name none.
select distinct document ->> 'adapter' as adapter from stringx.configured_targets
