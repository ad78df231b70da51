-- name: subject
select subject_id from stringx.subjects where kind = %(kind)s and target = %(target)s and name = %(name)s

-- name: subject_of_dataset
-- The target that the dataset has now, or had last.
select s.subject_id, s.target from stringx.subjects s left join stringx.datasets d on d.name = s.name and d.target = s.target
where s.kind = 'dataset' and s.name = %(name)s order by d.name is null, s.subject_id desc limit 1

-- name: rule
select r.rule_key from stringx.subject_rules r where r.subject_id = %(subject_id)s and r.rule_id = %(rule_id)s

-- name: checks
select at, check_id, request_id, verdict, status, gate, is_full, narrowed_to, counts, row_count, score, duration_ms, config_version,
       requested_by
from stringx.check_points
where subject_id = %(subject_id)s and at >= coalesce(%(from)s, '-infinity'::timestamptz) and at < coalesce(%(to)s, 'infinity'::timestamptz)
  and (%(at)s::timestamptz is null or (at, check_id) < (%(at)s::timestamptz, %(check_id)s::uuid))
  and (not %(deciding)s or status <> 'canceled')
  and (not %(deciding)s or is_full
       or (stringx.has_all_rules(narrowed_to) and exists (select 1 from stringx.states s where s.subject_id = %(subject_id)s and s.by_window)))
order by at desc, check_id desc
limit %(limit)s

-- name: points
-- With what was normal for each, and how it is marked, for rules that are judged by their earlier points.
select p.at, p.check_id, p.status, p.failures, p.total, p.measured, p.config_version, p.waived, p.shadow, p.baseline,
       m.mark, m.by as marked_by, m.at as marked_at, m.note
from (select * from stringx.rule_points
      where rule_key = %(rule_key)s and at >= coalesce(%(from)s, '-infinity'::timestamptz) and at < coalesce(%(to)s, 'infinity'::timestamptz)
        and (%(at)s::timestamptz is null or (at, check_id) < (%(at)s::timestamptz, %(check_id)s::uuid))
      order by at desc, check_id desc
      limit %(limit)s) p
left join stringx.point_marks m
       on p.baseline is not null and m.target = %(target)s and m.table_name = %(name)s and m.rule_id = %(rule_id)s and m.snapshot_at = p.at
order by p.at desc, p.check_id desc

-- name: days
-- Summed days, and the others from their points.
select day, last_at, last_value, min_value, max_value, pass, warn, fail, error, config_version from (
    select day, last_at, last_value, min_value, max_value, pass, warn, fail, error, config_version
    from stringx.rule_days d where d.rule_key = %(rule_key)s and exists (select 1 from stringx.summed_days s where s.day = d.day)
    union all
    select day, max(at), (array_agg(value order by at desc))[1], min(value), max(value),
           (count(*) filter (where status = 'pass'))::integer, (count(*) filter (where status = 'warn'))::integer,
           (count(*) filter (where status = 'fail'))::integer, (count(*) filter (where status = 'error'))::integer,
           (array_agg(config_version order by at desc))[1]
    from (select (p.at at time zone 'UTC')::date as day, p.at, p.status, p.config_version,
                 case when p.failures is null then p.measured when p.total is null then p.failures else p.failures::float8 / nullif(p.total, 0) end as value
          from stringx.rule_points p where p.rule_key = %(rule_key)s and p.at >= %(unsummed)s) points
    where not exists (select 1 from stringx.summed_days s where s.day = points.day)
    group by day
) days
where day >= coalesce(%(from)s::timestamptz at time zone 'UTC', '-infinity')::date and day < coalesce(%(to)s::timestamptz at time zone 'UTC', 'infinity')
  and (%(before)s::date is null or day < %(before)s::date)
order by day desc
limit %(limit)s

-- name: unsummed
-- The oldest day that is not summed yet, or not any more.
select min(day)::date::timestamp at time zone 'UTC' as unsummed from generate_series(
    (clock_timestamp() at time zone 'UTC')::date - 400, (clock_timestamp() at time zone 'UTC')::date, interval '1 day') as day
where not exists (select 1 from stringx.summed_days s where s.day = day.day::date)

-- name: versions
-- The rule as these versions of its table's document had it.
select version, jsonb_path_query_first(coalesce(effective, document), '$.rules[*] ? (@.id == $id)', jsonb_build_object('id', %(rule_id)s::text)) as rule
from stringx.table_versions where target = %(target)s and table_name = %(name)s and version = any(%(versions)s)
