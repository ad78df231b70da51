-- Where a document was last applied from, such as a repository: `dataops rules apply --source NAME`. A document without an entry was
-- applied without a source. `name` is that of the answer of POST /api/v1/configuration: target/table for a table.
create table stringx.sources (
    kind    text not null,
    name    text not null,
    source  text not null,
    primary key (kind, name)
);
create index sources_by_source on stringx.sources (source, kind, name);

-- Triggers, so that a deletion by a release that does not know sources forgets them, too.
create function stringx.forget_sources() returns trigger language plpgsql as $$
begin
    case tg_table_name
        when 'tables' then
            delete from stringx.sources s using gone g where s.kind = 'Table' and s.name = g.target || '/' || g.table_name;
        when 'targets' then
            delete from stringx.sources s using gone g where s.kind = 'Target' and s.name = g.name;
        when 'datasets' then
            delete from stringx.sources s using gone g where s.kind = 'Dataset' and s.name = g.name;
    end case;
    return null;
end $$;
create trigger sources_of_tables after delete on stringx.tables referencing old table as gone
    for each statement execute function stringx.forget_sources();
create trigger sources_of_targets after delete on stringx.targets referencing old table as gone
    for each statement execute function stringx.forget_sources();
create trigger sources_of_datasets after delete on stringx.datasets referencing old table as gone
    for each statement execute function stringx.forget_sources();
