-- Incidents and events of gates: docs/decisions/0028-flips-in-the-database.md. A trigger makes both where the present state of a table or
-- dataset is written, so that they stand in the transaction of the result whatever release of the Backend stores it.

-- UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits.
create function stringx.uuid_v7() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                                          from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- At most one per table or dataset is open. `kind` is what opened it: a gate that closed, or a check that never came. `opened_by_check` and
-- `closed_by_check` are null where no check did it: a change of settings, the end of a waiver. While it is open, owner and tags follow the
-- document. Rules are those that kept the gate closed when it closed: [{id, table, status, failures, total, measured}], the worst 20; `rules_more` how many more there are.
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
    first_acknowledged_at timestamptz,
    acknowledged_at     timestamptz,
    acknowledged_by     text,
    acknowledged_until  timestamptz,
    assignee            text,
    check ((closed_at is null) = (closed_because is null))
);
create unique index incidents_one_open on stringx.incidents (target, name, subject_kind) where closed_at is null;
create index incidents_listed on stringx.incidents ((closed_at is not null), opened_at desc, incident_id desc);
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
-- a gate that closes with the verdict error is {closed,error}. `removed`: the incident is over, but no gate opened: the table or dataset was
-- deleted, or no check decides any more. A first check that opens a gate is no `opened`. `at` is when it became so, `recorded_at` when it was
-- noticed.
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
create unique index events_by_id on stringx.events (id);
create index events_unrouted on stringx.events (event_id) where not is_routed;
create index events_of_incident on stringx.events (incident_id, event_id) where incident_id is not null;
create index events_by_time on stringx.events (recorded_at);

-- `is_stale_told`: an event tells that it is stale.
alter table stringx.states add column incident_id uuid, add column is_stale_told boolean not null default false;
update stringx.states set is_stale_told = true where state = 'stale';

-- The rules of a deciding check that are why its verdict is no better, the worst 20 first, and how many more there are: where some failed or
-- could not be decided, those that only warn are not among them. A rule whose waiver has ended meanwhile
-- fails. Where the check's history is not written yet, as its result says; values that its document hides stay hidden.
create function stringx.rules_against(of_kind text, of_target text, of_name text, of_check_id uuid, of_at timestamptz, out rules jsonb, out more integer)
stable language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    found jsonb;
begin
    if exists (select from stringx.check_points c
               where c.subject_id = (select s.subject_id from stringx.subjects s where s.kind = of_kind and s.target = of_target and s.name = of_name)
                 and c.at = of_at and c.check_id = of_check_id) then
        select jsonb_agg(jsonb_build_object('name', s.name, 'rule_id', r.rule_id, 'waived', p.waived, 'status', p.status, 'failures', p.failures,
                                            'total', p.total, 'measured', p.measured))
        into found
        from stringx.subjects s
        join stringx.subject_rules r on r.subject_id = s.subject_id
        join stringx.rule_points p on p.rule_key = r.rule_key and p.at = of_at and p.check_id = of_check_id
        where s.kind = 'table' and s.target = of_target
          and s.name = any(case when of_kind = 'table' then array[of_name]
                                else coalesce((select d.tables from stringx.datasets d where d.name = of_name), '{}') end)
          and p.status in ('fail', 'error', 'warn') and not p.shadow;
    else
        begin
            select jsonb_agg(jsonb_build_object(
                'name', u.name, 'rule_id', u.rule_id, 'waived', u.waived, 'status', u.status,
                'failures', case when u.failures ~ '^-?[0-9]{1,18}$' then u.failures::bigint end,
                'total', case when u.total ~ '^[0-9]{1,18}$' then u.total::bigint end,
                'measured', case when u.measured ~ '^-?[0-9]{1,30}([.][0-9]{1,30})?([eE][-+]?[0-9]{1,2})?$' then u.measured::float8 end))
            into found
            from (select part.name, rule ->> 'id' as rule_id, rule ->> 'waived' is not null as waived, rule ->> 'status' as status,
                         rule ->> 'failures' as failures, rule ->> 'total' as total,
                         case when rule ->> 'measured_hidden' is distinct from 'true' and json_typeof(rule -> 'measured') = 'number' then rule ->> 'measured' end as measured
                  from stringx.results l
                  cross join lateral (
                      select of_name as name, l.result -> 'rules' as rules where l.table_name is not null
                      union all
                      select part ->> 'table', part -> 'rules'
                      from json_array_elements(case when json_typeof(l.result -> 'tables') = 'array' then l.result -> 'tables' else '[]' end) part) part
                  cross join lateral json_array_elements(case when json_typeof(part.rules) = 'array' then part.rules else '[]' end) rule
                  where l.check_id = of_check_id and (of_kind = 'dataset' or part.name = of_name)
                    and rule ->> 'shadow' is distinct from 'true') u
            where u.status in ('fail', 'error', 'warn');
        exception when others then  -- of a foreign sender, with a NUL in it, which no text holds: an incident without rules is better than none
            found := null;
        end;
    end if;
    with counted as (
        select f.name, f.rule_id, case when f.waived then 'fail' else f.status end as status, f.failures, f.total, f.measured
        from jsonb_to_recordset(found) as f (name text, rule_id text, waived boolean, status text, failures bigint, total bigint, measured float8)
        where not (f.waived and exists (select from stringx.active_waivers w
                                        where w.target = of_target and w.table_name = f.name and w.rule_id = f.rule_id))),
    placed as (
        select c.*, row_number() over (order by array_position(array['fail', 'error', 'warn'], c.status), c.failures desc nulls last,
                                                c.name, c.rule_id) as place
        from counted c
        where c.status <> 'warn' or not exists (select from counted b where b.status <> 'warn'))
    select coalesce(jsonb_agg(jsonb_build_object('id', f.rule_id, 'table', f.name, 'status', f.status, 'failures', f.failures, 'total', f.total,
                                                 'measured', f.measured) order by f.place) filter (where f.place <= 20), '[]'),
           greatest(count(*) - 20, 0)
    into rules, more from placed f;
end $$;

-- Opens, continues and closes incidents, and writes events. The state's row is locked: nobody else does the same for it.
create function stringx.watch_state() returns trigger language plpgsql as $$
declare
    is_new_check constant boolean := new.check_id is distinct from old.check_id and new.check_id is not null
                                     and (old.decided_at is null or new.decided_at >= old.decided_at);
    -- as the settings or rules that it had left it; the loop that looks at it again says what it is
    is_unsure    constant boolean := coalesce(new.refresh_at <= clock_timestamp(), false);
    became       timestamptz := coalesce(case when new.gate is distinct from old.gate then new.since end,
                                         case when is_new_check then new.decided_at end, clock_timestamp());
    because      constant text := case when is_new_check then 'check' else 'changed' end;
    of_incident  uuid := old.incident_id;
    is_over      boolean := false;
    kinds        text[] := '{}';
    against      jsonb := '[]';
    against_more integer := 0;
begin
    if new.gate = 'closed' and old.gate is distinct from 'closed' then
        kinds := array['closed'];
        -- of a document that was deleted and came back, checks of before say since when
        became := greatest(became, (select i.closed_at from stringx.incidents i
                                    where i.target = new.target and i.name = new.name and i.subject_kind = new.kind
                                    order by i.opened_at desc, i.closed_at desc limit 1));
    elsif new.gate = 'open' and (old.gate = 'closed' or is_new_check and of_incident is not null) then
        kinds := array['opened'];
        is_over := of_incident is not null;
    elsif new.gate is null and old.gate = 'closed' and of_incident is not null then
        kinds := array['removed'];
        is_over := true;
    end if;
    if new.verdict in ('warn', 'error') and (kinds && array['closed', 'opened'] or is_new_check and old.verdict is distinct from new.verdict) then
        kinds := kinds || new.verdict;
    end if;
    if new.state <> 'stale' then
        new.is_stale_told := false;
    elsif new.gate = 'open' and not new.is_stale_told and not is_unsure then
        new.is_stale_told := true;
        kinds := kinds || 'stale'::text;
    end if;
    if kinds && array['closed', 'warn', 'error'] then
        select r.rules, r.more into against, against_more
        from stringx.rules_against(new.kind, new.target, new.name, new.check_id, new.decided_at) r;
    end if;

    if 'closed' = any(kinds) then
        insert into stringx.incidents as i (subject_kind, target, name, kind, owner, tags, opened_at, opened_by_check, opened_by_request, verdict,
                                            reasons, rules, rules_more)
        values (new.kind, new.target, new.name, 'closed', new.owner, new.tags, became, case when is_new_check then new.check_id end,
                case when is_new_check then new.request_id end, new.verdict, new.reasons, against, against_more)
        on conflict (target, name, subject_kind) where closed_at is null do update set  -- the check that was missed has come
            verdict = excluded.verdict, reasons = excluded.reasons, rules = excluded.rules, rules_more = excluded.rules_more
        returning i.incident_id into of_incident;
        new.incident_id := of_incident;
    elsif is_over then
        update stringx.incidents set closed_at = greatest(became, opened_at), closed_by_check = case when is_new_check then new.check_id end,
                                     closed_by_request = case when is_new_check then new.request_id end, closed_because = because
        where incident_id = of_incident and closed_at is null;
        new.incident_id := null;
    elsif of_incident is not null and (old.owner <> new.owner or old.tags <> new.tags) then
        update stringx.incidents set owner = new.owner, tags = new.tags where incident_id = of_incident and closed_at is null;
    end if;

    if kinds <> '{}' then
        insert into stringx.events (kinds, subject_kind, target, name, owner, tags, incident_id, at, gate, gate_before, verdict, check_id, request_id,
                                    reasons, rules, rules_more)
        values (kinds, new.kind, new.target, new.name, new.owner, new.tags, of_incident, became, new.gate, old.gate,
                new.verdict, new.check_id, new.request_id, new.reasons, against, against_more);
    end if;
    return new;
end $$;
create trigger watch_state before update on stringx.states for each row
    when (old.gate is distinct from new.gate or old.state <> new.state
          -- most checks find what the one before found: they pay for no function
          or old.check_id is distinct from new.check_id
             and (old.verdict is distinct from new.verdict or old.incident_id is not null and new.gate = 'open')
          or new.state = 'stale' and not new.is_stale_told
          or old.incident_id is not null and (old.owner <> new.owner or old.tags <> new.tags))
    execute function stringx.watch_state();

-- Of what was deleted from the configuration, no gate is left to open.
create function stringx.watch_deleted_state() returns trigger language plpgsql as $$
begin
    update stringx.incidents set closed_at = greatest(clock_timestamp(), opened_at), closed_because = 'deleted' where incident_id = old.incident_id and closed_at is null;
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
