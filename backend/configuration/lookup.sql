-- name: documents
select t.target, t.table_name, t.document
from stringx.tables t
join jsonb_to_recordset(%(tables)s) as w (target text, table_name text) on w.target = t.target and w.table_name = t.table_name
