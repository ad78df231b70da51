-- Documents are stored as they were written, without the defaults. Those of earlier releases hold every default: in them a value that
-- equals the default counts as not said. A release before this one, which knows no such column, writes the latter kind.
alter table stringx.tables add column as_written boolean not null default false;
alter table stringx.targets add column as_written boolean not null default false;
alter table stringx.datasets add column as_written boolean not null default false;
