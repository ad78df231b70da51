-- concurrently
-- What is asked often costs the same with ten tables and with ten thousand.

-- The list of requests, newest first, as it is and by each of its filters.
create index concurrently if not exists requests_newest on stringx.requests (created_at, request_id);
create index concurrently if not exists requests_newest_of_table on stringx.requests (table_name, created_at, request_id) where table_name is not null;
create index concurrently if not exists requests_newest_of_dataset on stringx.requests (dataset, created_at, request_id) where dataset is not null;
create index concurrently if not exists requests_newest_by_verdict on stringx.requests (verdict, created_at, request_id) where verdict is not null;
create index concurrently if not exists requests_newest_by_status on stringx.requests (status, created_at, request_id);
-- requests_newest, read backwards, serves what this one did.
drop index concurrently if exists stringx.requests_by_time;

-- Whether a dataset has a newer full check: asked for each old one before it is deleted.
create index concurrently if not exists checks_last_of_datasets on dataops.checks (dataset, finished_at) where dataset is not null and is_full;

-- Changes of tables' documents by their time.
create index concurrently if not exists table_versions_by_time on stringx.table_versions (changed_at);
