-- Sending messages to people: docs/decisions/0032-a-queue-per-channel.md.

-- One sender at a time has a channel's lease and sends its messages in their order. `due_at`: while it refuses or does not answer, when to try
-- it again; `attempts` and `failing_since` are of the failures in a row. The last three columns are counted for ever, for metrics.
create table stringx.channel_queues (
    channel           text primary key,
    worker            text,
    lease_expires_at  timestamptz,
    claimed_at        timestamptz,
    due_at            timestamptz not null default clock_timestamp(),
    attempts          integer not null default 0,
    failing_since     timestamptz,
    last_error        text,
    last_status       integer,
    delivered_at      timestamptz,
    delivered         bigint not null default 0,
    given_up          bigint not null default 0,
    failures          bigint not null default 0
);

-- `resent_at`: when somebody asked for it to be sent again; the three days after which it is given up begin anew.
alter table stringx.notifications add column resent_at timestamptz;

create function stringx.queue_notifications() returns trigger language plpgsql as $$
begin
    insert into stringx.channel_queues (channel) select distinct a.channel from added a order by a.channel on conflict do nothing;
    return null;
end $$;
create trigger queue_notifications after insert on stringx.notifications referencing new table as added
    for each statement execute function stringx.queue_notifications();
insert into stringx.channel_queues (channel) select distinct channel from stringx.notifications on conflict do nothing;
