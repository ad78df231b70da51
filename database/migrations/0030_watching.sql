-- Documents of schedules, channels and routes: docs/decisions/0029-documents-that-watch.md.

-- `target`: of a schedule, and of a route that names one; null for a channel.
create table stringx.watch_documents (
    kind        text not null check (kind in ('Schedule', 'Channel', 'Route')),
    name        text not null,
    target      text references stringx.targets (name),
    document    jsonb not null,
    version     integer not null,
    updated_at  timestamptz not null default clock_timestamp(),
    primary key (kind, name)
);
create index watch_documents_by_target on stringx.watch_documents (target);

-- Every version that ever was, deletions (document null) included; versions go on counting after a deletion.
create table stringx.watch_versions (
    kind        text not null,
    name        text not null,
    version     integer not null,
    target      text,
    document    jsonb,
    changed_by  text not null,
    changed_at  timestamptz not null default clock_timestamp(),
    primary key (kind, name, version)
);

-- A new value with each change of the documents of a kind, so that loops read them again only then.
create table stringx.watch_changes (
    kind   text primary key,
    token  uuid not null default gen_random_uuid()
);
insert into stringx.watch_changes (kind) values ('Schedule'), ('Channel'), ('Route');

create function stringx.watch_documents_changed() returns trigger language plpgsql as $$
begin
    update stringx.watch_changes set token = gen_random_uuid() where kind in (select c.kind from changed c);
    if tg_op = 'DELETE' then  -- as of other documents: where they were applied from is forgotten with them
        delete from stringx.sources s using changed c where s.kind = c.kind and s.name = c.name;
    end if;
    return null;
end $$;
create trigger watch_documents_added after insert on stringx.watch_documents referencing new table as changed
    for each statement execute function stringx.watch_documents_changed();
create trigger watch_documents_updated after update on stringx.watch_documents referencing new table as changed
    for each statement execute function stringx.watch_documents_changed();
create trigger watch_documents_deleted after delete on stringx.watch_documents referencing old table as changed
    for each statement execute function stringx.watch_documents_changed();
