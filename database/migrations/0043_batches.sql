-- Results of many checks in one transaction: docs/decisions/0043-results-in-batches.md. What they store is what one after the other would store.

-- Tracks the requests that are not known yet, finishes those of the results, and stores the results; returns what each request asks for, and
-- whether its result is new. Of each request at most one result. `columns`: an object per result; `bodies`, `summaries`, `messages`: in its order.
-- Rows are locked in the order of their keys, first requests, then totals, then results: so no two of these wait for each other.
create function stringx.take_results(columns jsonb, bodies json[], summaries json[], messages json[])
returns table (request_id text, is_new boolean, target text, table_name text, dataset text, body jsonb, is_profile boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    item     record;
    new_ones uuid[];
begin
    insert into stringx.requests (request_id, source, target, table_name, dataset, mode, body, body_hash, is_full, status, sent_at, created_at,
                                  requested_by, asked_at_dataops)
    select n.request_id, 'http', n.target, n."table", n.dataset, 'async', n.body, decode(n.body_hash, 'hex'), n.is_full, 'queued', now(),
           n.created_at, n.requested_by, true
    from jsonb_to_recordset(columns) as n (request_id text, target text, "table" text, dataset text, body jsonb, body_hash text, is_full boolean,
                                           created_at timestamptz, requested_by text)
    order by n.request_id
    on conflict (request_id) do nothing;

    perform 1 from stringx.requests q
    where q.request_id in (select n.request_id from jsonb_to_recordset(columns) as n (request_id text))
    order by q.request_id for update;

    -- one after the other: each counts itself in stringx.totals, whose rows are so locked in their order
    for item in
        select n.* from jsonb_to_recordset(columns) as n (request_id text, check_id uuid, status text, verdict text, reason text, finished_at timestamptz)
        join stringx.requests q on q.request_id = n.request_id
        where q.finished_at is null
        order by case when q.schedule is null then q.source else 'schedule' end, q.target, n.status, n.verdict, n.request_id
    loop
        update stringx.requests q set
            status = item.status, verdict = item.verdict, reason = item.reason, check_id = item.check_id,
            finished_at = coalesce(item.finished_at, clock_timestamp()), sent_at = coalesce(q.sent_at, clock_timestamp()),
            worker = null, lease_expires_at = null
        where q.request_id = item.request_id and q.finished_at is null;
    end loop;

    with stored as (
        insert into stringx.results (check_id, request_id, target, table_name, dataset, is_full, is_window, status, verdict, rules_hash, snapshot_at,
                                     finished_at, result, summary, messages, has_points, rule_ids, waivers)
        select n.check_id, n.request_id, n.target, n."table", n.dataset, n.is_full, n.is_window, n.status, n.verdict, n.rules_hash, n.snapshot_at,
               coalesce(n.finished_at, clock_timestamp()), bodies[n.place], summaries[n.place], messages[n.place], true, n.rule_ids, n.waivers
        from jsonb_to_recordset(columns) as n (place integer, check_id uuid, request_id text, target text, "table" text, dataset text, is_full boolean,
                                               is_window boolean, status text, verdict text, rules_hash text, snapshot_at timestamptz,
                                               finished_at timestamptz, rule_ids text[], waivers jsonb)
        order by n.request_id
        on conflict (check_id) do nothing
        returning check_id)
    select coalesce(array_agg(check_id), '{}') into new_ones from stored;

    -- one row per table of a dataset, for the gates of these tables
    insert into stringx.dataset_results (check_id, target, table_name, is_full, is_window, status, verdict, rules_hash, snapshot_at, finished_at)
    select n.check_id, n.target, t."table", n.is_full, n.is_window, n.status, t.verdict, t.rules_hash, n.snapshot_at,
           coalesce(n.finished_at, clock_timestamp())
    from jsonb_to_recordset(columns) as n (check_id uuid, request_id text, target text, is_full boolean, is_window boolean, status text,
                                           snapshot_at timestamptz, finished_at timestamptz, tables jsonb)
    cross join lateral jsonb_to_recordset(n.tables) as t ("table" text, verdict text, rules_hash text)
    where n.check_id = any(new_ones)
    order by n.request_id, t."table";

    perform pg_notify('stringx', 'request ' || n.request_id) from jsonb_to_recordset(columns) as n (request_id text);
    return query
        select q.request_id, n.check_id = any(new_ones), q.target, q.table_name, q.dataset, case when not q.trial then q.body end,
               q.trial and q.body ? 'profile'
        from jsonb_to_recordset(columns) as n (request_id text, check_id uuid) join stringx.requests q on q.request_id = n.request_id;
end $$;

-- As stringx.write_history, for the results of several checks. `parts`: what each says of a table or dataset, `points`: of a rule. A state that
-- several are about is changed by one after the other, by their times.
create function stringx.write_histories(parts jsonb, points jsonb, most_recent integer) returns void language plpgsql as $$
declare
    part     record;
    written  bigint;
begin
    insert into stringx.subjects (kind, target, name)
    select distinct p.kind, p.target, p.name from jsonb_to_recordset(parts) as p (kind text, target text, name text)
    where (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = p.target and s.name = p.name) is null
    order by p.kind desc, p.name, p.target
    on conflict do nothing;

    insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, narrowed_to, counts, row_count, score,
                                      duration_ms, config_version, requested_by)
    select (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = p.target and s.name = p.name) as subject_id,
           p.at, p.check_id, p.request_id, p.status, p.verdict, p.gate, p.is_full, p.narrowed_to, p.counts, p.row_count, p.score, p.duration_ms,
           p.config_version, (select r.requested_by from stringx.requests r where r.request_id = p.request_id)
    from jsonb_to_recordset(parts) as p (
        kind text, target text, name text, at timestamptz, check_id uuid, request_id text, status text, verdict text, gate text, is_full boolean,
        narrowed_to jsonb, counts jsonb, row_count bigint, score double precision, duration_ms bigint, config_version integer)
    on conflict do nothing;

    -- Rules have their numbers, but for those that are new: then it is done twice.
    for attempt in 1..2 loop
        insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, measured, config_version, waived, shadow, baseline)
        select p.rule_key, p.at, p.check_id, p.status, p.failures, p.total, p.measured, p.config_version, coalesce(p.waived, false),
               coalesce(p.shadow, false), p.baseline
        from (select p.*, (select r.rule_key from stringx.subject_rules r
                           where r.subject_id = (select s.subject_id from stringx.subjects s
                                                 where s.kind = p.kind and s.target = p.target and s.name = p.name)
                             and r.rule_id = p.rule_id) as rule_key
              from jsonb_to_recordset(points) as p (
                  kind text, target text, name text, at timestamptz, check_id uuid, config_version integer, rule_id text, status text,
                  failures bigint, total bigint, measured double precision, waived boolean, shadow boolean, baseline jsonb)
              offset 0) p
        where p.rule_key is not null
        on conflict do nothing;
        get diagnostics written = row_count;
        exit when written = jsonb_array_length(points);
        insert into stringx.subject_rules (subject_id, rule_id)
        select distinct p.subject_id, p.rule_id
        from (select p.rule_id, (select s.subject_id from stringx.subjects s
                                 where s.kind = p.kind and s.target = p.target and s.name = p.name) as subject_id
              from jsonb_to_recordset(points) as p (kind text, target text, name text, rule_id text)
              offset 0) p
        where (select r.rule_key from stringx.subject_rules r where r.subject_id = p.subject_id and r.rule_id = p.rule_id) is null
        order by p.subject_id, p.rule_id
        on conflict do nothing;
    end loop;

    -- After all rules, so that nobody waits for a rule while states are locked. A refresh that was asked for meanwhile still takes place.
    for part in
        select p.*, (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = p.target and s.name = p.name) as subject_id
        from jsonb_to_recordset(parts) as p (
            kind text, target text, name text, at timestamptz, check_id uuid, request_id text, verdict text, rules_hash text, gate text,
            row_count bigint, score double precision, duration_ms bigint, snapshot_at timestamptz, checked_at timestamptz, state text,
            rank smallint, reasons text[], stale_at timestamptz)
        where p.state is not null
        order by p.kind desc, subject_id, p.at, p.check_id
    loop
        update stringx.states s set
            state = part.state, rank = part.rank, gate = part.gate,
            since = case when s.gate is distinct from part.gate then part.at else s.since end, verdict = part.verdict, reasons = part.reasons,
            rules_hash = part.rules_hash, check_id = part.check_id, request_id = part.request_id, decided_at = part.at,
            snapshot_at = part.snapshot_at, checked_at = part.checked_at, row_count = part.row_count, score = part.score,
            duration_ms = part.duration_ms,
            recent = (s.recent || part.verdict)[greatest(1, cardinality(s.recent) + 2 - most_recent):],
            refresh_at = least(s.refresh_at, part.stale_at)
        where s.subject_id = part.subject_id and (s.decided_at is null or s.decided_at <= part.at);
    end loop;
end $$;

-- Marks messages of a worker as delivered; returns how many it still held. By their targets, whose totals count each.
create function dataops.mark_delivered(messages uuid[], of_worker text) returns integer language plpgsql as $$
declare
    item   record;
    marked integer := 0;
begin
    for item in
        select o.message_id from dataops.outbox o join dataops.checks c using (check_id)
        where o.message_id = any(messages) order by c.target, o.message_id
    loop
        update dataops.outbox set delivered_at = clock_timestamp(), lease_expires_at = null, worker = null, last_error = null
        where message_id = item.message_id and worker = of_worker;
        if found then
            marked := marked + 1;
        end if;
    end loop;
    return marked;
end $$;
