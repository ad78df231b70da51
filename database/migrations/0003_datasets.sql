-- Datasets: tables of one target that are checked together, on one snapshot. Everything before stays as it is; a request, a
-- check and a result are now of a table or of a dataset.
create table stringx.datasets (
    name        text primary key,
    target      text not null references stringx.targets (name),
    tables      text[] not null,           -- as in the document, in its order
    document    jsonb not null,
    version     integer not null,
    updated_at  timestamptz not null default now()
);

-- Every version that ever was, deletions (document null) included; versions go on counting after a deletion.
create table stringx.dataset_versions (
    name        text not null,
    version     integer not null,
    document    jsonb,
    changed_by  text not null,
    changed_at  timestamptz not null default now(),
    primary key (name, version)
);

-- What DataOps may read of a dataset; its columns are a contract between the two services. Each name in `tables` is a
-- row of configured_tables: a table that a dataset names cannot be deleted.
create view stringx.configured_datasets as
    select d.name, d.target, d.tables, d.document, d.version, d.updated_at from stringx.datasets d;

alter table stringx.requests
    alter column table_name drop not null,
    add column dataset text,
    add constraint requests_of_one check ((table_name is null) <> (dataset is null));
create index requests_unfinished_of_datasets on stringx.requests (dataset, created_at desc)
    where finished_at is null and is_full and dataset is not null;

alter table stringx.results
    alter column table_name drop not null,
    add column dataset text,
    add constraint results_of_one check ((table_name is null) <> (dataset is null));
create index results_for_gate_of_datasets on stringx.results (dataset, (coalesce(snapshot_at, finished_at)) desc)
    where is_full and status <> 'canceled' and dataset is not null;

-- What a dataset's result says of each of its tables: read for the gates of these tables.
create table stringx.dataset_results (
    check_id     uuid not null references stringx.results (check_id) on delete cascade,
    target       text not null,
    table_name   text not null,
    is_full      boolean not null,
    status       text not null,
    verdict      text not null,
    rules_hash   text,
    snapshot_at  timestamptz,
    finished_at  timestamptz not null,
    primary key (check_id, table_name)
);
create index dataset_results_for_gate on stringx.dataset_results (target, table_name, (coalesce(snapshot_at, finished_at)) desc)
    where is_full and status <> 'canceled';

alter table dataops.checks
    alter column table_name drop not null,
    add column dataset text,
    add column tables text[],              -- what it runs on, since it was claimed
    add constraint checks_of_one check ((table_name is null) <> (dataset is null));

-- The last verdicts of a dataset's tables: what the docs portal shows.
create table dataops.dataset_results (
    check_id     uuid not null references dataops.checks (check_id) on delete cascade,
    target       text not null,
    table_name   text not null,
    verdict      text not null,
    finished_at  timestamptz not null,
    primary key (check_id, table_name)
);
create index dataset_results_last on dataops.dataset_results (target, table_name, finished_at desc);
