-- What the window before left, beside what the last one left: a window that is checked once more is compared with the one before it again, and not with itself.
-- `at`, `check_id` and `state` as in the row's columns; null where there is none, and for checks of whole tables.
alter table dataops.rule_memories add column earlier jsonb;
