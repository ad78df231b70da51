-- concurrently
-- Results of earlier releases, the newest first.
create index concurrently if not exists results_without_points on stringx.results (finished_at) where not has_points;
