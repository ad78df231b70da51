-- Tables of which every check changes rows. No change of a check's row is HOT, because its status is part of indexes: each leaves an entry in all of them, and
-- those at the front of the queue are in the way of each claim. By default they would be cleaned only after a fifth of all rows, finished ones included, had changed.
alter table dataops.checks set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.05);
alter table dataops.outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
alter table dataops.lines set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
alter table stringx.requests set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
-- The counters of a target: room on each page for the next versions of its rows.
alter table dataops.targets set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
