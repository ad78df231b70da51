-- concurrently
-- The list of requests by where they were asked.
create index concurrently if not exists requests_newest_by_origin on stringx.requests ((case when schedule is not null then 'schedule' when is_from_dashboard then 'dashboard' else source end), created_at, request_id);
drop index concurrently if exists stringx.requests_newest_by_source;
