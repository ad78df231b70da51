-- What is kept for how long: which results still hold samples.
alter table dataops.checks add column samples_kept boolean not null default true;
alter table stringx.results add column samples_kept boolean not null default true;
