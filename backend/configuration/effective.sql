-- name: layers
-- The defaults and rule sets of these targets.
select kind, target, document from stringx.layers where target = any(%(targets)s) order by kind, name

-- name: stored
-- Effective documents of these (target, table_name) as they are stored.
select t.target, t.table_name, t.document, t.rules_hash, t.as_written, t.version, t.effective, t.effective_hash
from stringx.tables t join jsonb_to_recordset(%(tables)s) as n (target text, table_name text)
  on n.target = t.target and n.table_name = t.table_name

-- name: stored_after
-- The tables of a target behind this one.
select target, table_name, document, rules_hash, as_written, version, effective, effective_hash
from stringx.tables where target = %(target)s and table_name > %(after)s order by table_name limit %(limit)s

-- name: pending
-- Tables that a release before this one has written.
select target, table_name from stringx.tables where effective_hash = 'pending' order by target, table_name limit %(limit)s

-- name: write
-- Each effective document makes a new version of its table, whose own document stays as it is: a version says what a check ran.
with numbered as (
    select n.*, t.document, 1 + greatest(t.version, coalesce((
        select max(v.version) from stringx.table_versions v where v.target = n.target and v.table_name = n.table_name), 0)) as version
    from jsonb_to_recordset(%(tables)s) as n (target text, table_name text, effective jsonb, effective_hash text)
    join stringx.tables t on t.target = n.target and t.table_name = n.table_name
), written as (
    update stringx.tables t set
        effective = n.effective, effective_hash = n.effective_hash, effective_version = n.version, version = n.version, updated_at = now()
    from numbered n where t.target = n.target and t.table_name = n.table_name
)
insert into stringx.table_versions (target, table_name, version, document, effective, changed_by)
select target, table_name, version, document, effective, %(changed_by)s from numbered
