-- concurrently
-- Tables that a release before this one has written: there are none but during an upgrade.
create index concurrently if not exists tables_pending on stringx.tables (target, table_name) where effective_hash = 'pending';
