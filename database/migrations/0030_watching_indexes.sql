-- concurrently
-- Tables and datasets whose check is expected by a time of day. The statement must say the very condition.
create index concurrently if not exists tables_expected on stringx.tables (target, table_name) where coalesce(effective, document) ? 'expected_by';
create index concurrently if not exists datasets_expected on stringx.datasets (name) where document ? 'expected_by';
