-- The Backend's schema: configuration, keys, tracked requests, stored results.
create schema stringx;

create table stringx.api_keys (
    name        text primary key,
    key_hash    bytea not null unique,
    scopes      text[] not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);

create table stringx.targets (
    name        text primary key,
    document    jsonb not null,
    version     integer not null,
    updated_at  timestamptz not null default now()
);

create table stringx.tables (
    target      text not null references stringx.targets (name),
    table_name  text not null,
    document    jsonb not null,
    rules_hash  text not null,
    version     integer not null,
    updated_at  timestamptz not null default now(),
    primary key (target, table_name)
);

-- Every version that ever was, deletions (document null) included; versions go on counting after a deletion.
create table stringx.table_versions (
    target      text not null,
    table_name  text not null,
    version     integer not null,
    document    jsonb,
    changed_by  text not null,
    changed_at  timestamptz not null default now(),
    primary key (target, table_name, version)
);

create table stringx.requests (
    request_id       text primary key,
    source           text not null check (source in ('http', 'kafka', 'cli')),
    target           text not null,
    table_name       text not null,
    mode             text not null check (mode in ('sync', 'async')),
    body             jsonb not null,          -- what is sent to DataOps
    body_hash        bytea not null,          -- what a repeated request_id is compared with
    is_full          boolean not null,        -- neither narrowed nor windowed: decides the gate
    status           text not null,
    verdict          text,
    reason           text,
    check_id         uuid,
    created_at       timestamptz not null default clock_timestamp(),
    finished_at      timestamptz,
    -- the delivery to DataOps: unsent while sent_at is null; a lease keeps two senders apart
    sent_at          timestamptz,
    send_attempts    integer not null default 0,
    next_send_at     timestamptz not null default now(),
    worker           text,
    lease_expires_at timestamptz
);
create index requests_unsent on stringx.requests (next_send_at) where sent_at is null;
create index requests_by_time on stringx.requests (created_at desc, request_id);
create index requests_unfinished on stringx.requests (target, table_name, created_at desc) where finished_at is null and is_full;

create table stringx.results (
    check_id     uuid primary key,
    request_id   text not null references stringx.requests (request_id),
    target       text not null,
    table_name   text not null,
    is_full      boolean not null,
    status       text not null,
    verdict      text not null,
    rules_hash   text,
    snapshot_at  timestamptz,
    finished_at  timestamptz not null,
    result       json not null,
    received_at  timestamptz not null default now()
);
create index results_by_request on stringx.results (request_id);
-- The gate reads the newest full result: by its snapshot, or by its end where there is none.
create index results_for_gate on stringx.results (target, table_name, (coalesce(snapshot_at, finished_at)) desc)
    where is_full and status <> 'canceled';

-- What DataOps may read of the configuration; its columns are a contract between the two services.
create view stringx.configured_tables as
    select t.target, t.table_name, t.document, t.rules_hash, t.version, g.document as target_document, g.version as target_version,
           greatest(t.updated_at, g.updated_at) as updated_at
    from stringx.tables t join stringx.targets g on g.name = t.target;
