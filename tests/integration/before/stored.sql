-- Rows as the release before 0009_as_written.sql wrote them from shop.yml: documents with every default.
insert into stringx.targets (name, document, version) values ('shop',
'{"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "postgres", "host": "h", "port": 5432, "dbname": "d", "user": "u", "lock_timeout": "5s", "max_concurrent_checks": 4, "yield_after": "off", "allow_functions": []}', 1);
insert into stringx.tables (target, table_name, document, rules_hash, version) values ('shop', 'public.orders',
'{"apiVersion": "stringx/v1", "kind": "Table", "target": "shop", "table": "public.orders", "description": "Orders of the shop.", "owner": "", "timezone": "Europe/Berlin", "mode": "async", "timeout": "5m", "on_empty": "fail", "key": ["id"], "sample_rows": 5, "sample_columns": [], "gate": {"on_error": "closed", "on_warn": "open", "max_age": "24h"}, "rules": [
 {"id": "key", "type": "unique", "column": "id", "arguments": {}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "known", "type": "accepted_values", "column": "code", "arguments": {"values": ["A", 5, 2.5, true]}, "kind": "engineering", "fail_above": "1.50%", "verify": "scan", "description": "", "active": true},
 {"id": "price", "type": "between", "column": "price", "arguments": {"min": 0.1, "max": 99.9, "exclusive_max": true}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "far", "type": "between", "column": "price", "arguments": {"max": 1000000.0}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "amount", "type": "aggregate", "column": "price", "arguments": {"function": "avg", "max": 100.0, "warn": {"max": 90}}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "rows", "type": "row_count", "arguments": {"min": 10}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "odd", "type": "outliers", "column": "price", "arguments": {"method": "iqr", "limit": 3.0}, "kind": "engineering", "severity": "warn", "verify": "scan", "description": "", "active": true},
 {"id": "copied", "type": "aggregate_matches", "column": "price", "arguments": {"function": "sum", "other_table": "public.copy", "tolerance": 0.5}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "where_it_is", "type": "not_null", "column": "place", "arguments": {}, "kind": "business", "dimension": "validity", "where": "id > 5", "verify": "constraint", "description": "", "active": true},
 {"id": "tested", "type": "dbt", "arguments": {"test": "some.test", "arguments": {"at_least": 1.0}}, "kind": "engineering", "verify": "scan", "description": "", "active": true},
 {"id": "not_now", "type": "not_null", "column": "later", "arguments": {}, "kind": "engineering", "verify": "scan", "description": "", "active": false}]}',
'bd2f0bb46a7c70fb', 1);
insert into stringx.table_versions (target, table_name, version, document, changed_by)
select target, table_name, version, document, 'before' from stringx.tables;
insert into stringx.datasets (name, target, tables, document, version) values ('sales', 'shop', '{public.orders}',
'{"apiVersion": "stringx/v1", "kind": "Dataset", "name": "sales", "target": "shop", "description": "", "owner": "", "tables": ["public.orders"], "mode": "async", "timeout": "5m", "gate": {"on_error": "closed", "on_warn": "open"}}', 1);
insert into stringx.dataset_versions (name, version, document, changed_by) select name, version, document, 'before' from stringx.datasets;
