-- Messages to people: docs/decisions/0031-one-planner.md.

-- Outbox and delivery log. The id is the stable id of the message at its receiver: webhook-id, Message-ID, CloudEvents id. A message is
-- unsent while none of the last three times is set; one that was withdrawn while it was under way may be delivered nevertheless. Messages
-- of a channel are sent in the order of `planned_at, notification_id`, so that no *open again* overtakes its *closed*. `items` is how many
-- tables and datasets it speaks of. `withdrawn`: there is nothing left to say.
create table stringx.notifications (
    notification_id    uuid primary key default stringx.uuid_v7(),
    channel            text not null,
    kind               text not null check (kind in ('change', 'repeat', 'digest', 'test')),
    content            jsonb not null,
    items              integer not null default 1,
    planned_at         timestamptz not null,
    due_at             timestamptz not null,
    worker             text,
    lease_expires_at   timestamptz,
    attempts           integer not null default 0,
    last_error         text,
    last_status        integer,
    delivered_at       timestamptz,
    given_up_at        timestamptz,
    withdrawn_at       timestamptz,
    withdrawn_because  text check (withdrawn_because in ('acknowledged', 'over', 'channel')),
    check ((withdrawn_at is null) = (withdrawn_because is null))
);
create index notifications_unsent on stringx.notifications (channel, planned_at, notification_id)
    where delivered_at is null and given_up_at is null and withdrawn_at is null;
create index notifications_due on stringx.notifications (due_at) where delivered_at is null and given_up_at is null and withdrawn_at is null;
create index notifications_by_time on stringx.notifications (planned_at desc, notification_id desc);
create index notifications_by_channel on stringx.notifications (channel, planned_at desc, notification_id desc);
create index notifications_delivered on stringx.notifications (channel, delivered_at) where delivered_at is not null;

-- What was said by which message, and through which route: a row per route that matched, one message whatever their number. `kind` is what
-- the message said of the incident or event: it began (`closed`), it is over (`over`), it goes on (`repeat`), or what is no incident (`change`).
-- Without a notification there was nothing left to say when it could have been said. A repeat has no event.
create table stringx.notified (
    notified_id      bigint generated always as identity primary key,
    event_id         bigint,
    incident_id      uuid,
    channel          text not null,
    route            text not null,
    notification_id  uuid references stringx.notifications on delete cascade,
    kind             text not null check (kind in ('closed', 'over', 'repeat', 'change')),
    at               timestamptz not null
);
create unique index notified_once on stringx.notified (event_id, channel, route) where event_id is not null;
create index notified_by_message on stringx.notified (notification_id);
create index notified_of_incident on stringx.notified (incident_id, channel) where incident_id is not null;
create index notified_by_time on stringx.notified (at);

-- Events that are not told yet: they settle, or wait for the end of quiet hours or for their channel. `ready_at` is when quiet hours let it
-- through; `held_for` a request of a schedule's run, whose other checks it waits for.
create table stringx.notices (
    event_id     bigint not null,
    channel      text not null,
    routes       text[] not null,
    words        text[] not null,  -- the kinds of the event that the routes asked for
    incident_id  uuid,
    planned_at   timestamptz not null,
    ready_at     timestamptz not null,
    held_for     text,
    primary key (channel, event_id)
);
create index notices_ready on stringx.notices (channel, ready_at);
create index notices_of_incident on stringx.notices (incident_id, channel) where incident_id is not null;

-- Which channels know of an incident. `words` are the kinds of the event that they were told of; `repeat_at` is when to look at it again.
create table stringx.told (
    incident_id      uuid not null references stringx.incidents on delete cascade,
    channel          text not null,
    words            text[] not null,
    told_at          timestamptz not null,
    notification_id  uuid not null,  -- the last message
    repeats          integer not null default 0,
    over_at          timestamptz,    -- told that it is over
    repeat_at        timestamptz not null,
    primary key (incident_id, channel)
);
create index told_repeats on stringx.told (repeat_at) where over_at is null;

-- The routes that `repeat_at` was computed with: when they change, it is computed again.
create table stringx.planned_with (
    is_one  boolean primary key default true check (is_one),
    routes  text not null default ''
);
insert into stringx.planned_with default values;

-- A repeat that waits to be sent is withdrawn in the transaction that acknowledges the last of its incidents. When to repeat is worked out again.
create function stringx.acknowledged() returns trigger language plpgsql as $$
begin
    update stringx.told set repeat_at = told_at where incident_id = new.incident_id and over_at is null;
    if new.acknowledged_at is null then
        return null;
    end if;
    update stringx.notifications n set withdrawn_at = new.acknowledged_at, withdrawn_because = 'acknowledged'
    where n.kind = 'repeat' and n.delivered_at is null and n.given_up_at is null and n.withdrawn_at is null
      and n.resent_at is null  -- of 0035: nobody has asked for it
      and n.notification_id in (select o.notification_id from stringx.notified o where o.incident_id = new.incident_id)
      and not exists (select from stringx.notified o join stringx.incidents i on i.incident_id = o.incident_id
                      where o.notification_id = n.notification_id and i.incident_id <> new.incident_id
                        and i.closed_at is null and i.acknowledged_at is null);
    return null;
end $$;
create trigger acknowledged after update of acknowledged_at, acknowledged_until on stringx.incidents for each row
    when (new.acknowledged_at is distinct from old.acknowledged_at or new.acknowledged_until is distinct from old.acknowledged_until)
    execute function stringx.acknowledged();
