-- concurrently
-- How to find what is old enough to be deleted.
create index concurrently if not exists checks_with_samples on dataops.checks (finished_at) where samples_kept and finished_at is not null;
create index concurrently if not exists results_with_samples on stringx.results (finished_at) where samples_kept;
create index concurrently if not exists checks_by_end on dataops.checks (finished_at) where finished_at is not null;
create index concurrently if not exists results_by_end on stringx.results (finished_at);
create index concurrently if not exists requests_by_end on stringx.requests (finished_at) where finished_at is not null;
