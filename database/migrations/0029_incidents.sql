-- Incidents and events of gates: docs/decisions/0028-flips-in-the-database.md. A trigger makes both where the present state of a table or
-- dataset is written, so that they stand in the transaction of the result whatever release of the Backend stores it.

-- UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits.
create function stringx.uuid_v7() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                                          from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- At most one per table or dataset is open. `kind` is what opened it: a gate that closed, or a check that never came. Rules are those that
-- kept the gate closed when it closed: [{id, table, status, failures, total, measured}], the worst 20; `rules_more` how many more there are.
create table stringx.incidents (
    incident_id         uuid primary key default stringx.uuid_v7(),
    subject_kind        text not null check (subject_kind in ('table', 'dataset')),
    target              text not null,
    name                text not null,
    kind                text not null check (kind in ('closed', 'missed')),
    owner               text not null default '',
    tags                text[] not null default '{}',
    opened_at           timestamptz not null,
    opened_by_check     uuid,
    opened_by_request   text,
    verdict             text,
    reasons             text[] not null default '{}',
    rules               jsonb not null default '[]',
    rules_more          integer not null default 0,
    closed_at           timestamptz,
    closed_by_check     uuid,
    closed_by_request   text,
    closed_because      text check (closed_because in ('check', 'changed', 'deleted')),  -- changed: its settings, a waiver
    acknowledged_at     timestamptz,
    acknowledged_by     text,
    acknowledged_until  timestamptz,
    assignee            text,
    check ((closed_at is null) = (closed_because is null))
);
create unique index incidents_one_open on stringx.incidents (target, name, subject_kind) where closed_at is null;
create index incidents_by_time on stringx.incidents (opened_at desc, incident_id desc);
create index incidents_by_subject on stringx.incidents (target, name, subject_kind, opened_at desc);
create index incidents_closed on stringx.incidents (closed_at) where closed_at is not null;

-- What people did with an incident: notes, acknowledgements.
create table stringx.incident_entries (
    entry_id     bigint generated always as identity primary key,
    incident_id  uuid not null references stringx.incidents on delete cascade,
    at           timestamptz not null default clock_timestamp(),
    actor        text not null,
    action       text not null check (action in ('acknowledged', 'unacknowledged', 'assigned', 'noted')),
    details      jsonb not null default '{}'
);
create index incident_entries_of on stringx.incident_entries (incident_id, entry_id);

-- What happened to gates, in order: what notifications, webhooks and Kafka tell of. `kinds` are the words of routes' `on` that it answers to:
-- a gate that closes with the verdict error is {closed,error}. `removed`: the table or dataset of an open incident was deleted. `gate` and
-- `gate_before` differ only where the decided gate changed. `at` is when it became so, `recorded_at` when it was noticed.
create table stringx.events (
    event_id      bigint generated always as identity primary key,
    id            uuid not null default stringx.uuid_v7(),
    kinds         text[] not null check (kinds <@ array['closed', 'opened', 'warn', 'error', 'stale', 'missed', 'removed'] and kinds <> '{}'),
    subject_kind  text not null,
    target        text not null,
    name          text not null,
    owner         text not null default '',
    tags          text[] not null default '{}',
    incident_id   uuid,
    at            timestamptz not null,
    recorded_at   timestamptz not null default clock_timestamp(),
    gate          text,
    gate_before   text,
    verdict       text,
    check_id      uuid,
    request_id    text,
    reasons       text[] not null default '{}',
    rules         jsonb not null default '[]',
    rules_more    integer not null default 0,
    is_routed     boolean not null default false  -- whether messages to people have been planned
);
create index events_unrouted on stringx.events (event_id) where not is_routed;
create index events_of_incident on stringx.events (incident_id, event_id) where incident_id is not null;
create index events_by_time on stringx.events (recorded_at);

alter table stringx.states add column incident_id uuid;

-- The rules of a deciding check that did not pass, the worst 20 first, and how many more there are.
create function stringx.rules_against(of_kind text, of_target text, of_name text, of_check_id uuid, of_at timestamptz, out rules jsonb, out more integer)
stable language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
    with of_tables as (
        select s.subject_id, s.name from stringx.subjects s
        where s.kind = 'table' and s.target = of_target
          and s.name = any(case when of_kind = 'table' then array[of_name]
                                else coalesce((select d.tables from stringx.datasets d where d.name = of_name), '{}') end)),
    found as (
        select t.name, r.rule_id, p.status, p.failures, p.total, p.measured,
               row_number() over (order by array_position(array['fail', 'error', 'warn'], p.status), p.failures desc nulls last, t.name, r.rule_id) as place
        from of_tables t
        join stringx.subject_rules r on r.subject_id = t.subject_id
        join stringx.rule_points p on p.rule_key = r.rule_key and p.at = of_at and p.check_id = of_check_id
        where p.status in ('fail', 'error', 'warn') and not p.shadow and not p.waived)
    select coalesce(jsonb_agg(jsonb_build_object('id', f.rule_id, 'table', f.name, 'status', f.status, 'failures', f.failures, 'total', f.total,
                                                 'measured', f.measured) order by f.place) filter (where f.place <= 20), '[]'),
           greatest(count(*) - 20, 0)
    into rules, more from found f;
end $$;

-- Opens, continues and closes incidents, and writes events. The state's row is locked: nobody else does the same for it.
create function stringx.watch_state() returns trigger language plpgsql as $$
declare
    is_new_check constant boolean := new.check_id is distinct from old.check_id and new.check_id is not null;
    became       constant timestamptz := coalesce(case when new.gate is distinct from old.gate then new.since end,
                                                  case when new.check_id is distinct from old.check_id then new.decided_at end, clock_timestamp());
    because      constant text := case when new.check_id is distinct from old.check_id then 'check' else 'changed' end;
    kinds        text[] := '{}';
    against      record;
    of_incident  uuid := old.incident_id;
begin
    if new.gate = 'closed' and old.gate is distinct from 'closed' then
        kinds := array['closed'];
    elsif new.gate = 'open' and (old.gate = 'closed' or is_new_check and old.incident_id is not null) then
        kinds := array['opened'];
    elsif is_new_check and old.verdict is not distinct from new.verdict then
        null;  -- nothing that anybody was not told of
    elsif new.state = 'stale' and old.state = 'open' and new.gate = 'open' then
        kinds := array['stale'];
    end if;
    if new.verdict in ('warn', 'error') and (kinds && array['closed', 'opened'] or is_new_check and old.verdict is distinct from new.verdict) then
        kinds := kinds || new.verdict;
    end if;
    if kinds && array['closed', 'warn', 'error'] then
        select r.rules as rules, r.more as more into against
        from stringx.rules_against(new.kind, new.target, new.name, new.check_id, new.decided_at) r;
    else
        select '[]'::jsonb as rules, 0 as more into against;
    end if;

    if 'closed' = any(kinds) then
        if of_incident is null then
            insert into stringx.incidents (subject_kind, target, name, kind, owner, tags, opened_at, opened_by_check, opened_by_request, verdict,
                                           reasons, rules, rules_more)
            values (new.kind, new.target, new.name, 'closed', new.owner, new.tags, became, new.check_id, new.request_id, new.verdict,
                    new.reasons, against.rules, against.more)
            returning incident_id into of_incident;
        else  -- the check that was missed has come
            update stringx.incidents set verdict = new.verdict, reasons = new.reasons, rules = against.rules, rules_more = against.more
            where incident_id = of_incident;
        end if;
        new.incident_id := of_incident;
    elsif of_incident is not null and (new.gate = 'open' and 'opened' = any(kinds) or new.gate is null and old.gate is not null) then
        update stringx.incidents set closed_at = greatest(became, opened_at), closed_by_check = case when because = 'check' then new.check_id end,
                                     closed_by_request = case when because = 'check' then new.request_id end, closed_because = because
        where incident_id = of_incident;
        new.incident_id := null;
    end if;

    if kinds <> '{}' then
        insert into stringx.events (kinds, subject_kind, target, name, owner, tags, incident_id, at, gate, gate_before, verdict, check_id, request_id,
                                    reasons, rules, rules_more)
        values (kinds, new.kind, new.target, new.name, new.owner, new.tags, of_incident, became, new.gate, old.gate, new.verdict, new.check_id,
                new.request_id, new.reasons, against.rules, against.more);
    end if;
    return new;
end $$;
create trigger watch_state before update on stringx.states for each row
    when (old.gate is distinct from new.gate or old.check_id is distinct from new.check_id or old.state <> new.state)
    execute function stringx.watch_state();

-- Of what was deleted from the configuration, no gate is left to open.
create function stringx.watch_deleted_state() returns trigger language plpgsql as $$
begin
    update stringx.incidents set closed_at = greatest(clock_timestamp(), opened_at), closed_because = 'deleted' where incident_id = old.incident_id;
    insert into stringx.events (kinds, subject_kind, target, name, owner, tags, incident_id, at, gate_before, verdict, check_id, request_id)
    values (array['removed'], old.kind, old.target, old.name, old.owner, old.tags, old.incident_id, clock_timestamp(), old.gate, old.verdict,
            old.check_id, old.request_id);
    return null;
end $$;
create trigger watch_deleted_state after delete on stringx.states for each row
    when (old.incident_id is not null) execute function stringx.watch_deleted_state();

-- Gates that are closed already have their incidents, without an event: nobody is told of what has been so.
with opened as (
    insert into stringx.incidents (subject_kind, target, name, kind, owner, tags, opened_at, opened_by_check, opened_by_request, verdict, reasons,
                                   rules, rules_more)
    select s.kind, s.target, s.name, 'closed', s.owner, s.tags, coalesce(s.since, s.decided_at, clock_timestamp()), s.check_id, s.request_id, s.verdict,
           s.reasons, r.rules, r.more
    from stringx.states s cross join lateral stringx.rules_against(s.kind, s.target, s.name, s.check_id, s.decided_at) r
    where s.gate = 'closed'
    returning incident_id, subject_kind, target, name)
update stringx.states s set incident_id = o.incident_id from opened o where s.kind = o.subject_kind and s.target = o.target and s.name = o.name;
