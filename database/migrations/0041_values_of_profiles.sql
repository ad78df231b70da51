-- Values of rows go from old profiles as samples go from old results (RETENTION_SAMPLES_DAYS); counts and means stay.
alter table stringx.profiles add column values_kept boolean not null default true;
