-- Who asked for what, how it came to DataOps, and why attempts ended.

-- `requested_by` is the name of the key, null in requests of earlier releases. The `source` of a request from the dashboard is http, which an earlier
-- release can read, too. `asked_at_dataops`: it is tracked since its result has arrived. `send_error`: why it was not sent the last time.
alter table stringx.requests
    add column requested_by text,
    add column is_from_dashboard boolean not null default false,
    add column asked_at_dataops boolean not null default false,
    add column send_error text,
    add column canceled_by text,
    add column canceled_at timestamptz;
-- The rules that ran; null where an earlier release stored the result.
alter table stringx.results add column rule_ids text[];
alter table stringx.check_points add column requested_by text;

-- `earlier_attempts`: [{attempt, started_at, ended_at, why}] of those that ended without a result, the oldest first.
alter table dataops.checks
    add column requested_by text,
    add column canceled_by text,
    add column earlier_attempts jsonb not null default '[]';

-- What the Backend may read of checks and of their results' deliveries; its columns are a contract between the two services.
create view dataops.followed_checks as
    select c.check_id, c.request_id, c.status, c.attempt, c.queued_at, c.started_at, c.finished_at, c.canceled_by, c.earlier_attempts,
           o.attempts as delivery_attempts, o.delivered_at, o.given_up_at, o.next_attempt_at, o.last_error as delivery_error
    from dataops.checks c
    left join lateral (
        select sum(m.attempts) over () as attempts, m.delivered_at, m.given_up_at, m.next_attempt_at, m.last_error
        from dataops.outbox m where m.check_id = c.check_id order by m.message_id desc limit 1) o on true;

-- As before, and points of checks know who asked.
create or replace function stringx.record_history(
    parts jsonb, points jsonb, of_at timestamptz, of_check_id uuid, of_request_id text, of_status text, of_full boolean, of_narrowed_to jsonb,
    of_duration_ms bigint, of_snapshot_at timestamptz, of_checked_at timestamptz, decides boolean, most_recent integer
) returns void language plpgsql as $$
begin
    insert into stringx.subjects (kind, target, name)
    select p.kind, p.target, p.name from jsonb_to_recordset(parts) as p (kind text, target text, name text)
    where not exists (select 1 from stringx.subjects s where s.kind = p.kind and s.target = p.target and s.name = p.name)
    order by p.kind desc, p.name
    on conflict do nothing;

    insert into stringx.subject_rules (subject_id, rule_id)
    select s.subject_id, p.rule_id from jsonb_to_recordset(points) as p (kind text, target text, name text, rule_id text)
    join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
    where not exists (select 1 from stringx.subject_rules r where r.subject_id = s.subject_id and r.rule_id = p.rule_id)
    order by s.subject_id, p.rule_id
    on conflict do nothing;

    insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, narrowed_to, counts, row_count, score,
                                      duration_ms, config_version, requested_by)
    select s.subject_id, of_at, of_check_id, of_request_id, of_status, p.verdict, p.gate, of_full, of_narrowed_to, p.counts, p.row_count, p.score,
           of_duration_ms, p.config_version, (select r.requested_by from stringx.requests r where r.request_id = of_request_id)
    from jsonb_to_recordset(parts) as p (kind text, target text, name text, verdict text, gate text, counts jsonb, row_count bigint,
                                         score double precision, config_version integer)
    join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
    on conflict do nothing;

    insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, measured, config_version)
    select r.rule_key, of_at, of_check_id, p.status, p.failures, p.total, p.measured, p.config_version
    from jsonb_to_recordset(points) as p (kind text, target text, name text, rule_id text, status text, failures bigint, total bigint,
                                          measured double precision, config_version integer)
    join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
    join stringx.subject_rules r on r.subject_id = s.subject_id and r.rule_id = p.rule_id
    on conflict do nothing;

    if not decides then
        return;
    end if;
    -- A refresh that was asked for meanwhile still takes place.
    update stringx.states s set
        state = p.state, rank = p.rank, gate = p.gate, since = case when s.gate is distinct from p.gate then of_at else s.since end,
        verdict = p.verdict, reasons = p.reasons, rules_hash = p.rules_hash, check_id = of_check_id, request_id = of_request_id, decided_at = of_at,
        snapshot_at = of_snapshot_at, checked_at = of_checked_at, row_count = p.row_count, score = p.score, duration_ms = of_duration_ms,
        recent = (s.recent || p.verdict)[greatest(1, cardinality(s.recent) + 2 - most_recent):],
        refresh_at = least(s.refresh_at, p.stale_at)
    from (
        select p.*, t.subject_id from jsonb_to_recordset(parts) as p (
            kind text, target text, name text, state text, rank smallint, gate text, verdict text, reasons text[], rules_hash text, row_count bigint,
            score double precision, stale_at timestamptz)
        join stringx.states t on t.kind = p.kind and t.target = p.target and t.name = p.name
        where p.state is not null
        order by t.kind desc, t.subject_id for update of t
    ) p
    where s.subject_id = p.subject_id and (s.decided_at is null or s.decided_at <= of_at);
end $$;
