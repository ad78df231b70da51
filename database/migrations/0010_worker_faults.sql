-- Why a worker cannot warm a child: what is wrong with its dbt project, in one line; null while nothing is.
alter table dataops.workers add column fault text;
