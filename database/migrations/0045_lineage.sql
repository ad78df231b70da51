-- Results on their way to a receiver of OpenLineage, in the order in which they were stored. They are kept while Backends run that
-- have OPENLINEAGE_URL: an installation without it keeps none.
create table stringx.lineage_sending (
    is_on  boolean primary key default true check (is_on),
    since  timestamptz not null default clock_timestamp()
);

create table stringx.lineage (
    event_id          bigint generated always as identity primary key,
    check_id          uuid not null references stringx.results (check_id) on delete cascade,
    target            text not null,
    subject           text not null,
    queued_at         timestamptz not null default clock_timestamp(),
    next_attempt_at   timestamptz not null default clock_timestamp(),
    attempts          integer not null default 0,
    last_error        text,
    worker            text,
    lease_expires_at  timestamptz
);
create index lineage_due on stringx.lineage (next_attempt_at);
create index lineage_in_order on stringx.lineage (target, subject, event_id);
create index lineage_of_check on stringx.lineage (check_id);

create function stringx.add_lineage() returns trigger language plpgsql as $$
begin
    if exists (select from stringx.lineage_sending) then
        insert into stringx.lineage (check_id, target, subject)
        values (new.check_id, new.target, coalesce(new.table_name, 'dataset ' || new.dataset));
        perform pg_notify('stringx', 'lineage');
    end if;
    return null;
end $$;
create trigger add_lineage after insert on stringx.results for each row execute function stringx.add_lineage();
