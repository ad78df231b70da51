-- name: of_table
-- Those of the table, and of datasets that hold it; the newest first.
select r.*, null as result, p.*
from (
    (select * from stringx.requests
     where target = %(target)s and table_name = %(table)s and finished_at is null order by created_at desc limit %(limit)s)
    union all
    (select r.* from stringx.datasets d join stringx.requests r on r.dataset = d.name
     where d.target = %(target)s and d.tables @> array[%(table)s] and r.target = %(target)s and r.finished_at is null
     order by r.created_at desc limit %(limit)s)
) r cross join lateral stringx.progress_of(r.request_id) p
order by r.created_at desc limit %(limit)s

-- name: of_dataset
select r.*, null as result, p.*
from (select * from stringx.requests
      where target = %(target)s and dataset = %(dataset)s and finished_at is null order by created_at desc limit %(limit)s) r
cross join lateral stringx.progress_of(r.request_id) p
order by r.created_at desc

-- name: of_request
select r.*, null as result, p.*
from stringx.requests r cross join lateral stringx.progress_of(r.request_id) p
where r.request_id = %(request_id)s and r.finished_at is null
