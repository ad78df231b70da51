-- concurrently
-- What waits for a target, in its order: the place of a check is counted by it.
create index concurrently if not exists checks_in_line on dataops.checks (target, due_at, check_id) where status = 'queued' and joined is null;
-- Of the order before the queue had one line per target; nothing reads it.
drop index concurrently if exists dataops.checks_queued;
