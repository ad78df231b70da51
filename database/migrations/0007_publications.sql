-- Finished requests on their way to Kafka. They are kept from the first start of a Kafka trigger on: an installation without
-- one keeps none.
create table stringx.publishing (
    is_on  boolean primary key default true check (is_on),
    since  timestamptz not null default clock_timestamp()
);

create table stringx.publications (
    request_id  text primary key references stringx.requests (request_id) on delete cascade,
    queued_at   timestamptz not null default clock_timestamp()
);
create index publications_by_time on stringx.publications (queued_at);

create function stringx.publish_request() returns trigger language plpgsql as $$
begin
    if exists (select from stringx.publishing) then
        insert into stringx.publications (request_id) values (new.request_id)
        on conflict (request_id) do update set queued_at = excluded.queued_at;
        perform pg_notify('stringx', 'publication');
    end if;
    return null;
end $$;
create trigger publish_request after update of finished_at on stringx.requests for each row
    when (old.finished_at is null and new.finished_at is not null) execute function stringx.publish_request();
