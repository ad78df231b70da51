-- What is asked often costs the same with ten tables and with ten thousand. Indexes, and a view; everything else stays as it is.

-- The list of requests, newest first, as it is and by each of its filters.
create index requests_newest on stringx.requests (created_at, request_id);
create index requests_newest_of_table on stringx.requests (table_name, created_at, request_id) where table_name is not null;
create index requests_newest_of_dataset on stringx.requests (dataset, created_at, request_id) where dataset is not null;
create index requests_newest_by_verdict on stringx.requests (verdict, created_at, request_id) where verdict is not null;
create index requests_newest_by_status on stringx.requests (status, created_at, request_id);
drop index stringx.requests_by_time;  -- requests_newest read backwards

-- Whether a dataset has a newer full check: asked for each old one before it is deleted.
create index checks_last_of_datasets on dataops.checks (dataset, finished_at) where dataset is not null and is_full;

-- What DataOps may read of changes of tables' documents, deletions among them; its columns are a contract between the two services.
create index table_versions_by_time on stringx.table_versions (changed_at);
create view stringx.configuration_changes as select target, table_name, version, changed_at from stringx.table_versions;
