-- Events of gates on their way out, badges, weekly digests: docs/decisions/0033-events-in-order.md.

-- What `stringx.gate-changed` tells of: the decided gate is another, or a closed one is none any more.
create function stringx.is_gate_change(kinds text[], gate_before text, gate text) returns boolean language sql immutable as $$
    select gate is distinct from gate_before
           and (kinds && array['closed'] or kinds && array['opened', 'removed'] and gate_before is not distinct from 'closed')
$$;

-- Numbers of events are in the order in which they were written, not in which they were committed: a reader that continues after the last one
-- it has seen waits until nothing before that is left to come.
alter table stringx.events add column xid xid8 not null default pg_current_xact_id();

-- Events with the snapshot of the deciding check.
create view stringx.told_events as
select e.*, r.snapshot_at from stringx.events e left join stringx.results r on r.check_id = e.check_id;

-- Events that Kafka has not confirmed. They are kept from the first start of a Kafka trigger on, as results are. `postponed_until`: the topic
-- refuses it.
create table stringx.gate_publications (
    event_id         bigint primary key references stringx.events on delete cascade,
    postponed_until  timestamptz
);
create index gate_publications_postponed on stringx.gate_publications (postponed_until) where postponed_until is not null;

-- One publisher at a time holds all of them, so that the events of a gate stay in their order.
create table stringx.gate_publisher (
    is_only           boolean primary key default true check (is_only),
    worker            text,
    lease_expires_at  timestamptz
);
insert into stringx.gate_publisher default values;

create function stringx.publish_gate_change() returns trigger language plpgsql as $$
begin
    if exists (select from stringx.publishing) then
        insert into stringx.gate_publications (event_id) values (new.event_id);
        perform pg_notify('stringx', 'gate_publication');
    end if;
    return null;
end $$;
create trigger publish_gate_change after insert on stringx.events for each row
    when (stringx.is_gate_change(new.kinds, new.gate_before, new.gate)) execute function stringx.publish_gate_change();

-- Addresses that show one gate to anybody who knows them. The token opens nothing else, and is kept so that it can be copied again.
create table stringx.badges (
    badge_id      uuid primary key default stringx.uuid_v7(),
    token         text not null unique,
    subject_kind  text not null check (subject_kind in ('table', 'dataset')),
    target        text not null,
    name          text not null,
    label         text,
    created_at    timestamptz not null default clock_timestamp(),
    created_by    text not null
);
create index badges_of_subject on stringx.badges (target, name, subject_kind);

-- Which weekly digest of a channel was planned last: the moment that it was due.
create table stringx.digests (
    channel  text primary key,
    due_at   timestamptz not null
);
