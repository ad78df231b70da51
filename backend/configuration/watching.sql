-- name: token
select token::text from stringx.watch_changes where kind = %(kind)s

-- name: documents
select document, version, updated_at from stringx.watch_documents where kind = %(kind)s order by name

-- name: expectations
-- The condition is that of the indexes.
select 'table' as subject_kind, target, table_name as name, coalesce(effective, document) -> 'expected_by' as expected_by,
       coalesce(effective, document) ->> 'timezone' as timezone, updated_at
from stringx.tables where coalesce(effective, document) ? 'expected_by'
union all
select 'dataset', target, name, document -> 'expected_by', null, updated_at from stringx.datasets where document ? 'expected_by'
order by 1, 2, 3
