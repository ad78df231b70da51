-- concurrently
-- Results of a window with all rules: those that may decide a gate, too.
create index concurrently if not exists results_for_gate_by_window on stringx.results (target, table_name, (coalesce(snapshot_at, finished_at)) desc)
    where is_window and status <> 'canceled';
create index concurrently if not exists results_for_gate_of_datasets_by_window on stringx.results (dataset, (coalesce(snapshot_at, finished_at)) desc)
    where is_window and status <> 'canceled' and dataset is not null;
create index concurrently if not exists dataset_results_for_gate_by_window on stringx.dataset_results (target, table_name, (coalesce(snapshot_at, finished_at)) desc)
    where is_window and status <> 'canceled';

-- Requests that have not ended; full or not is a column of the few that there are.
create index concurrently if not exists requests_open on stringx.requests (target, table_name, created_at desc) where finished_at is null;
create index concurrently if not exists requests_open_of_datasets on stringx.requests (dataset, created_at desc) where finished_at is null and dataset is not null;
drop index concurrently if exists stringx.requests_unfinished;
drop index concurrently if exists stringx.requests_unfinished_of_datasets;

-- The datasets that hold a table.
create index concurrently if not exists datasets_by_table on stringx.datasets using gin (tables) with (fastupdate = off);
