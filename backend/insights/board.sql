-- name: page
-- The board's order: what needs somebody first. Its index gives a page without reading the others, unless a filter leaves them out.
select s.kind, s.target, s.name, s.state, s.rank, s.gate, s.since, s.verdict, s.reasons, s.check_id, s.checked_at, s.snapshot_at, s.row_count, s.score,
       s.duration_ms, s.recent, s.owner, s.tags, d.tables,
       i.incident_id, i.opened_at, i.acknowledged_by, i.assignee,
       (select o.source from stringx.sources o where o.kind = initcap(s.kind)
            and o.name = case s.kind when 'table' then s.target || '/' || s.name else s.name end) as source,
       array(select jsonb_build_object('id', w.waiver_id, 'table', w.table_name, 'rule', w.rule_id)
             from stringx.active_waivers w
             where w.target = s.target and w.table_name = any(case when s.kind = 'table' then array[s.name] else d.tables end)
             order by w.table_name, w.rule_id limit %(most_waivers)s) as waivers,
       exists (select 1 from stringx.requests r
               where s.kind = 'table' and r.target = s.target and r.table_name = s.name and r.finished_at is null
                 and (r.is_full or (s.by_window and stringx.has_all_rules(r.body))))
       -- an array, so that the few datasets with the table are found by their index, and all others are left alone
       or exists (select 1 from stringx.requests r
                  where s.kind = 'table' and r.target = s.target and r.finished_at is null
                    and r.dataset = any(array(select h.name from stringx.datasets h where h.tables @> array[s.name] and h.target = s.target))
                    and (r.is_full or (s.by_window and stringx.has_all_rules(r.body))))
       or exists (select 1 from stringx.requests r
                  where s.kind = 'dataset' and r.dataset = s.name and r.target = s.target and r.finished_at is null
                    and (r.is_full or (s.by_window and stringx.has_all_rules(r.body)))) as checking
from stringx.states s
left join stringx.datasets d on s.kind = 'dataset' and d.name = s.name
left join stringx.incidents i on i.incident_id = s.incident_id and i.closed_at is null
where s.kind = %(kind)s
  and (%(target)s::text is null or s.target = %(target)s)
  and (%(seen)s::text[] is null or s.target = any(%(seen)s::text[]))
  and (%(name)s::text is null or s.name = %(name)s)
  and (%(names)s::text[] is null or s.name = any(%(names)s::text[]))
  and (%(q)s::text is null or s.name ilike %(q)s)
  and (%(owner)s::text is null or s.owner = %(owner)s)
  and (%(tag)s::text is null or %(tag)s = any(s.tags))
  and (%(gate)s::text is null or (s.state = 'open') = (%(gate)s = 'open'))
  and (%(verdict)s::text is null or s.verdict = %(verdict)s)
  and (%(rank)s::smallint is null
       or (s.rank, s.target, s.name) > (%(rank)s::smallint, %(after_target)s::text, %(after_name)s::text))
order by s.rank, s.target, s.name
limit %(limit)s

-- name: counts
select state, count(*) as number from stringx.states
where kind = %(kind)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[])) group by state
