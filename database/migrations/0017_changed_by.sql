-- Every version of a target's document with who made it, as of tables and datasets; deletions (document null) included.
create table stringx.target_versions (
    name        text not null,
    version     integer not null,
    document    jsonb,
    changed_by  text not null,
    changed_at  timestamptz not null default now(),
    primary key (name, version)
);
insert into stringx.target_versions (name, version, document, changed_by, changed_at)
select name, version, document, 'an earlier release', updated_at from stringx.targets;
