-- What the docs portal shows of the present states. A state that waited for over a minute to be looked at again is not shown as open:
-- its check may be too old by now, or its rules may have changed, and the Backend that finds it out is not at work.
create view stringx.board as
select s.kind, s.target, s.name, s.rank,
       case when s.state = 'open' and o.is_overdue then 'stale' else s.state end as state,
       o.is_overdue, s.since, s.reasons, s.recent, s.score, s.owner, s.checked_at
from stringx.states s
cross join lateral (select coalesce(s.refresh_at < clock_timestamp() - interval '1 minute', false) as is_overdue) o;
