-- name: begin
insert into stringx.publishing default values on conflict do nothing

-- name: lease
-- The results that wait longest, leased to a publisher: so many, and so many bytes of them; the first however large it is. Their
-- size as it is stored bounds how many of them are looked into at all.
with due as (
    select p.request_id, p.queued_at
    from stringx.publications p
    where p.lease_expires_at is null or p.lease_expires_at < clock_timestamp()
    order by p.queued_at, p.request_id
    for update skip locked
    limit %(limit)s),
stored as (
    select d.request_id, d.queued_at,
           sum(coalesce(pg_column_size(s.result), 0)) over in_line - coalesce(pg_column_size(s.result), 0) as before
    from due d left join stringx.results s on s.request_id = d.request_id
    window in_line as (order by d.queued_at, d.request_id)),
written as (
    select t.request_id,
           sum(coalesce(octet_length(s.result::text), 0)) over in_line - coalesce(octet_length(s.result::text), 0) as before
    from stored t left join stringx.results s on s.request_id = t.request_id
    where t.before < %(bytes)s
    window in_line as (order by t.queued_at, t.request_id))
update stringx.publications p
set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
from written w
where p.request_id = w.request_id and w.before < %(bytes)s
returning p.request_id

-- name: leased
select p.request_id, p.queued_at, r.target, r.table_name, r.dataset, r.status, r.verdict, r.reason, r.created_at, r.finished_at,
       r.check_id, r.traceparent, r.tracestate, s.result
from stringx.publications p
join stringx.requests r on r.request_id = p.request_id
left join stringx.results s on s.request_id = r.request_id
where p.request_id = any(%(ids)s)
order by p.queued_at, p.request_id

-- name: published
-- Not one that is to be published again since it was leased: it has another place in the line.
delete from stringx.publications p
using unnest(%(ids)s::text[], %(queued_at)s::timestamptz[]) as sent (request_id, queued_at)
where p.request_id = sent.request_id and p.queued_at = sent.queued_at and p.worker = %(worker)s

-- name: postpone
update stringx.publications set worker = null, lease_expires_at = clock_timestamp() + make_interval(secs => %(delay_s)s)
where request_id = any(%(ids)s) and worker = %(worker)s

-- name: give_back
update stringx.publications set worker = null, lease_expires_at = null
where request_id = any(%(ids)s) and worker = %(worker)s
