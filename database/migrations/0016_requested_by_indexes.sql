-- concurrently
-- The list of requests by its other filters.
create index concurrently if not exists requests_newest_of_target on stringx.requests (target, created_at, request_id);
create index concurrently if not exists requests_newest_by_requester on stringx.requests (requested_by, created_at, request_id) where requested_by is not null;
create index concurrently if not exists requests_newest_by_source on stringx.requests ((case when is_from_dashboard then 'dashboard' else source end), created_at, request_id);
create index concurrently if not exists results_by_rule on stringx.results using gin (rule_ids) with (fastupdate = off) where rule_ids is not null;
