-- name: record
-- Several at once; `most_per_hour`, where it is given, bounds those of this action, which anybody may cause.
insert into stringx.audit (actor, action, subject, address, details)
select %(actor)s, e.action, e.subject, %(address)s, e.details
from rows from (jsonb_to_recordset(%(entries)s) as (action text, subject text, details jsonb))
     with ordinality as e (action, subject, details, place)
where %(most_per_hour)s::integer is null or %(most_per_hour)s > (
    select count(*) from (select from stringx.audit a where a.action = e.action and a.at > now() - interval '1 hour' limit %(most_per_hour)s) recent)
order by e.place
