-- What was normal when a point was judged: `{center, low, high, points, season, learning, moved_at, words}`, for rules that are decided by a
-- baseline. The release before, which may run beside this one, sends none: its points have null.
alter table stringx.rule_points add column baseline jsonb;
create or replace function stringx.write_history(
    parts jsonb, of_target text, of_at timestamptz, of_check_id uuid, of_request_id text, of_status text, of_full boolean,
    of_narrowed_to jsonb, of_duration_ms bigint, of_snapshot_at timestamptz, of_checked_at timestamptz, most_recent integer
) returns void language plpgsql as $$
declare
    asked_by constant text := (select r.requested_by from stringx.requests r where r.request_id = of_request_id);
    part     record;
    written  bigint;
begin
    insert into stringx.subjects (kind, target, name)
    select p.kind, of_target, p.name from jsonb_to_recordset(parts) as p (kind text, name text)
    where (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = of_target and s.name = p.name) is null
    order by p.kind desc, p.name
    on conflict do nothing;

    for part in
        select p.*, (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = of_target and s.name = p.name) as subject_id
        from jsonb_to_recordset(parts) as p (
            kind text, name text, verdict text, rules_hash text, gate text, counts jsonb, row_count bigint, score double precision,
            config_version integer, points jsonb)
        order by p.kind desc, subject_id
    loop
        insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, narrowed_to, counts, row_count,
                                          score, duration_ms, config_version, requested_by)
        values (part.subject_id, of_at, of_check_id, of_request_id, of_status, part.verdict, part.gate, of_full, of_narrowed_to, part.counts,
                part.row_count, part.score, of_duration_ms, part.config_version, asked_by)
        on conflict do nothing;

        -- Rules have their numbers, but for those that are new: then it is done twice.
        for attempt in 1..2 loop
            insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, measured, config_version, waived, shadow, baseline)
            select p.rule_key, of_at, of_check_id, p.status, p.failures, p.total, p.measured, part.config_version,
                   coalesce(p.waived, false), coalesce(p.shadow, false), p.baseline
            from (select p.*, (select r.rule_key from stringx.subject_rules r where r.subject_id = part.subject_id and r.rule_id = p.rule_id) as rule_key
                  from jsonb_to_recordset(part.points) as p (
                      rule_id text, status text, failures bigint, total bigint, measured double precision, waived boolean, shadow boolean, baseline jsonb)
                  offset 0) p
            where p.rule_key is not null
            on conflict do nothing;
            get diagnostics written = row_count;
            exit when written = jsonb_array_length(part.points);
            insert into stringx.subject_rules (subject_id, rule_id)
            select part.subject_id, p.rule_id from jsonb_to_recordset(part.points) as p (rule_id text)
            where (select r.rule_key from stringx.subject_rules r where r.subject_id = part.subject_id and r.rule_id = p.rule_id) is null
            order by p.rule_id
            on conflict do nothing;
        end loop;
    end loop;

    -- After all rules, so that nobody waits for a rule while states are locked. A refresh that was asked for meanwhile still takes place.
    for part in
        select p.*, (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = of_target and s.name = p.name) as subject_id
        from jsonb_to_recordset(parts) as p (
            kind text, name text, verdict text, rules_hash text, gate text, row_count bigint, score double precision, state text, rank smallint,
            reasons text[], stale_at timestamptz)
        where p.state is not null
        order by p.kind desc, subject_id
    loop
        update stringx.states s set
            state = part.state, rank = part.rank, gate = part.gate,
            since = case when s.gate is distinct from part.gate then of_at else s.since end, verdict = part.verdict, reasons = part.reasons,
            rules_hash = part.rules_hash, check_id = of_check_id, request_id = of_request_id, decided_at = of_at,
            snapshot_at = of_snapshot_at, checked_at = of_checked_at, row_count = part.row_count, score = part.score,
            duration_ms = of_duration_ms,
            recent = (s.recent || part.verdict)[greatest(1, cardinality(s.recent) + 2 - most_recent):],
            refresh_at = least(s.refresh_at, part.stale_at)
        where s.subject_id = part.subject_id and (s.decided_at is null or s.decided_at <= of_at);
    end loop;
end $$;

-- Why somebody marked a point.
alter table stringx.point_marks add column note text;
