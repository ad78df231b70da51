-- The DataOps service's schema: the table of checks, which is the queue, and the outbox.
create schema dataops;

create table dataops.checks (
    check_id         uuid primary key,
    request_id       text not null unique,
    body             jsonb not null,
    body_hash        bytea not null,
    target           text not null,
    table_name       text not null,
    mode             text not null check (mode in ('sync', 'async')),
    status           text not null default 'queued'
                     check (status in ('queued', 'running', 'succeeded', 'errored', 'canceled', 'timed_out')),
    timeout_s        integer not null,
    queued_at        timestamptz not null default clock_timestamp(),
    started_at       timestamptz,
    finished_at      timestamptz,
    -- the claim: who runs it, the how-manieth time, and until when that is believed
    attempt          integer not null default 0,
    worker           text,
    lease_expires_at timestamptz,
    cancel_requested boolean not null default false,
    is_full          boolean not null,
    verdict          text,
    result           json  -- as it was written: in the order that people read
);
create index checks_queued on dataops.checks (mode desc, queued_at) where status = 'queued';
create index checks_running on dataops.checks (target, table_name) where status = 'running';
create index checks_last on dataops.checks (target, table_name, finished_at desc) where finished_at is not null and is_full;

create table dataops.outbox (
    message_id       uuid primary key,
    check_id         uuid not null references dataops.checks (check_id),
    url              text not null,
    body             text not null,
    created_at       timestamptz not null default now(),
    attempts         integer not null default 0,
    next_attempt_at  timestamptz not null default now(),
    worker           text,
    lease_expires_at timestamptz,
    delivered_at     timestamptz,
    given_up_at      timestamptz,
    last_error       text
);
create index outbox_undelivered on dataops.outbox (next_attempt_at) where delivered_at is null and given_up_at is null;
create index outbox_by_check on dataops.outbox (check_id);

-- Which workers live, and how many of their dbt children are warm: what /readyz tells.
create table dataops.workers (
    worker   text primary key,
    children integer not null,
    warm     integer not null,
    seen_at  timestamptz not null default clock_timestamp()
);
