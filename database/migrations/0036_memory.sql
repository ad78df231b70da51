-- What DataOps remembers of earlier checks for rules that compare with them: docs/decisions/0034-points-of-dataops.md.

-- A point per deciding check of a rule with a baseline. `at` is the moment that it stands for: the check's snapshot, or the `from` of its
-- window; of a window there is one, that of the newest snapshot. `definition` is a hash of what is measured: points of another one do not
-- count. `window_key` is empty, or the column and the length of the window. `low` and `high` are the bounds that the check was decided by.
create table dataops.rule_points (
    target       text not null,
    table_name   text not null,
    rule_id      text not null,
    definition   text not null,
    window_key   text not null default '',
    at           timestamptz not null,
    snapshot_at  timestamptz not null,
    check_id     uuid not null,
    status       text not null check (status in ('pass', 'warn', 'fail')),
    waived       boolean not null default false,
    measured     numeric,
    low          numeric,
    high         numeric,
    primary key (target, table_name, rule_id, definition, window_key, at)
);
create index rule_points_by_time on dataops.rule_points (snapshot_at);

-- The last state that a rule left for its next check, one per rule and kind of window. A newer snapshot replaces it; one of another
-- `definition` counts as none.
create table dataops.rule_memories (
    target       text not null,
    table_name   text not null,
    rule_id      text not null,
    window_key   text not null default '',
    definition   text not null,
    at           timestamptz not null,
    snapshot_at  timestamptz not null,
    check_id     uuid not null,
    state        jsonb not null,
    primary key (target, table_name, rule_id, window_key)
);

-- What people say of points. A point is known by the snapshot of its check, which all checks that shared a run have in common.
create table stringx.point_marks (
    target       text not null,
    table_name   text not null,
    rule_id      text not null,
    snapshot_at  timestamptz not null,
    check_id     uuid not null,
    mark         text not null check (mark in ('expected', 'exclude', 'none')),
    by           text not null,
    at           timestamptz not null default clock_timestamp(),
    primary key (target, table_name, rule_id, snapshot_at)
);

-- What DataOps reads before it decides; its columns are a contract between the two services.
create view stringx.marked_points as
select target, table_name, rule_id, snapshot_at, mark from stringx.point_marks where mark <> 'none';
