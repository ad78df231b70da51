-- concurrently
-- Trials: how to find those that are old enough to be deleted, and to list them.
create index concurrently if not exists requests_trials on stringx.requests (created_at, request_id) where trial;
create index concurrently if not exists requests_trials_by_end on stringx.requests (finished_at) where trial and finished_at is not null;
create index concurrently if not exists checks_trials_by_end on dataops.checks (finished_at) where trial is not null and finished_at is not null;
