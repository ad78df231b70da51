-- name: begin
insert into stringx.publishing default values on conflict do nothing

-- name: due
-- Held until they are published: another publisher takes others.
select p.request_id, r.target, r.table_name, r.dataset, r.status, r.verdict, r.reason, r.created_at, r.finished_at,
       r.check_id, s.result
from stringx.publications p
join stringx.requests r on r.request_id = p.request_id
left join stringx.results s on s.request_id = r.request_id
order by p.queued_at
limit %(limit)s
for update of p skip locked

-- name: published
delete from stringx.publications where request_id = any(%(ids)s)
