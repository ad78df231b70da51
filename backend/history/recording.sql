-- name: late
-- A point of a day that is summed already: it is summed again.
select pg_advisory_xact_lock_shared(7418205342);
delete from stringx.summed_days where day = (%(at)s::timestamptz at time zone 'UTC')::date

-- name: subjects
-- Named once, when they are first seen.
insert into stringx.subjects (kind, target, name)
select p.kind, p.target, p.name from jsonb_to_recordset(%(parts)s) as p (kind text, target text, name text)
where not exists (select 1 from stringx.subjects s where s.kind = p.kind and s.target = p.target and s.name = p.name)
order by p.kind desc, p.name
on conflict do nothing

-- name: rules
insert into stringx.subject_rules (subject_id, rule_id)
select s.subject_id, p.rule_id from jsonb_to_recordset(%(points)s) as p (kind text, target text, name text, rule_id text)
join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
where not exists (select 1 from stringx.subject_rules r where r.subject_id = s.subject_id and r.rule_id = p.rule_id)
order by s.subject_id, p.rule_id
on conflict do nothing

-- name: check_points
insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, narrowed_to, counts, row_count, score, duration_ms,
                                  config_version)
select s.subject_id, %(at)s, %(check_id)s, %(request_id)s, %(status)s, p.verdict, p.gate, %(is_full)s, %(narrowed_to)s, p.counts, p.row_count, p.score,
       %(duration_ms)s, p.config_version
from jsonb_to_recordset(%(parts)s) as p (kind text, target text, name text, verdict text, gate text, counts jsonb, row_count bigint,
                                         score double precision, config_version integer)
join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
on conflict do nothing

-- name: rule_points
insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, measured, config_version)
select r.rule_key, %(at)s, %(check_id)s, p.status, p.failures, p.total, p.measured, p.config_version
from jsonb_to_recordset(%(points)s) as p (kind text, target text, name text, rule_id text, status text, failures bigint, total bigint,
                                          measured double precision, config_version integer)
join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
join stringx.subject_rules r on r.subject_id = s.subject_id and r.rule_id = p.rule_id
on conflict do nothing

-- name: states
-- Only where nothing newer has decided. A refresh that was asked for meanwhile still takes place.
update stringx.states s set
    state = p.state, rank = p.rank, gate = p.gate,
    since = case when s.gate is distinct from p.gate then %(at)s else s.since end,
    verdict = p.verdict, reasons = p.reasons, rules_hash = p.rules_hash, check_id = %(check_id)s, request_id = %(request_id)s, decided_at = %(at)s,
    snapshot_at = %(snapshot_at)s, checked_at = %(checked_at)s, row_count = p.row_count, score = p.score, duration_ms = %(duration_ms)s,
    recent = (s.recent || p.verdict)[greatest(1, cardinality(s.recent) + 2 - %(recent)s):],
    refresh_at = least(s.refresh_at, p.stale_at)
from (
    select p.*, t.subject_id from jsonb_to_recordset(%(parts)s) as p (
        kind text, target text, name text, state text, rank smallint, gate text, verdict text, reasons text[], rules_hash text, row_count bigint,
        score double precision, stale_at timestamptz)
    join stringx.states t on t.kind = p.kind and t.target = p.target and t.name = p.name
    where p.state is not null
    order by t.kind desc, t.subject_id for update of t
) p
where s.subject_id = p.subject_id and (s.decided_at is null or s.decided_at <= %(at)s)
