-- What is kept for how long: which results still hold samples, and how to find what is old.
alter table dataops.checks add column samples_kept boolean not null default true;
alter table stringx.results add column samples_kept boolean not null default true;
create index checks_with_samples on dataops.checks (finished_at) where samples_kept and finished_at is not null;
create index results_with_samples on stringx.results (finished_at) where samples_kept;
create index checks_by_end on dataops.checks (finished_at) where finished_at is not null;
create index results_by_end on stringx.results (finished_at);
create index requests_by_end on stringx.requests (finished_at) where finished_at is not null;
