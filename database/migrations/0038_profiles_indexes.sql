-- concurrently
-- Checks of trials and profiles that are old enough to be deleted.
create index concurrently if not exists checks_apart_by_end on dataops.checks (finished_at) where (trial is not null or profile is not null) and finished_at is not null;
