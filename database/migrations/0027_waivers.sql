-- Waivers, shadow rules, and gates that a changed set of rules leaves as they are: docs/decisions/0025-waivers-are-read-again.md.

-- What a waiver is bound to: the type, columns, arguments and condition of an active rule, as its document says them; null if the document
-- has no such rule. As a text, so that 1 and 1.0 differ. Documents of earlier releases write null where others leave a field out.
create function stringx.waivable_rule(document jsonb, of_rule text) returns text language sql immutable parallel safe as $$
    select jsonb_build_array(
               rule -> 'type',
               case when coalesce(rule -> 'columns', 'null') <> 'null' then rule -> 'columns'
                    when coalesce(rule -> 'column', 'null') <> 'null' then jsonb_build_array(rule -> 'column') else '[]' end,
               case when coalesce(rule -> 'arguments', 'null') <> 'null' then rule -> 'arguments' else '{}' end,
               coalesce(rule -> 'where', 'null'))::text
    from (select jsonb_path_query_first(document, '$.rules[*] ? (@.id == $id && (!exists(@.active) || @.active == true))',
                                        jsonb_build_object('id', of_rule)) as rule) found
    where rule is not null
$$;

-- `rule` is waivable_rule when the waiver was made. A waiver ends once: `ended_at`.
create table stringx.waivers (
    waiver_id      uuid primary key,
    target         text not null,
    table_name     text not null,
    rule_id        text not null,
    rule           text not null,
    reason         text not null,
    at_most        jsonb,
    until          timestamptz not null,
    created_at     timestamptz not null default clock_timestamp(),
    created_by     text not null,
    ended_at       timestamptz,
    ended_because  text check (ended_because in ('expired', 'deleted', 'changed')),
    ended_by       text,
    is_audited     boolean not null default false,  -- whether the audit log tells of an end that nobody asked for
    check ((ended_at is null) = (ended_because is null))
);
create unique index waivers_one_per_rule on stringx.waivers (target, table_name, rule_id) where ended_at is null;
create index waivers_by_time on stringx.waivers (created_at, waiver_id);
create index waivers_unnoted on stringx.waivers (until) where ended_at is null or not is_audited;
create index waivers_by_table on stringx.waivers (target, table_name, created_at);

-- Every waiver as it stands at this moment of the database's clock, whether anything has noted its end yet or not.
create view stringx.waivers_now as
select w.waiver_id, w.target, w.table_name, w.rule_id, w.reason, w.at_most, w.until, w.created_at, w.created_by, w.ended_by,
       coalesce(w.ended_because, case when w.until <= clock_timestamp() then 'expired'
                                      when stringx.waivable_rule(t.document, w.rule_id) is distinct from w.rule then 'changed' end) as ended_because,
       coalesce(w.ended_at, case when w.until <= clock_timestamp() then w.until end) as ended_at
from stringx.waivers w left join stringx.configured_tables t on t.target = w.target and t.table_name = w.table_name;

-- What DataOps reads when it finishes a check; its columns are a contract between the two services.
create view stringx.active_waivers as
select w.waiver_id, w.target, w.table_name, w.rule_id, w.reason, w.at_most, w.until, w.created_by, t.rules_hash
from stringx.waivers w join stringx.configured_tables t on t.target = w.target and t.table_name = w.table_name
where w.ended_at is null and w.until > clock_timestamp() and stringx.waivable_rule(t.document, w.rule_id) = w.rule;

-- The gates of a table whose waiver has ended are looked at again at once.
create function stringx.waiver_changed() returns trigger language plpgsql as $$
begin
    with due as (
        select s.subject_id from stringx.states s
        where s.target = new.target
          and (s.kind = 'table' and s.name = new.table_name
               or s.kind = 'dataset' and s.name in (select d.name from stringx.datasets d
                                                    where d.target = new.target and d.tables @> array[new.table_name]))
        order by s.kind desc, s.subject_id for update)
    update stringx.states s set refresh_at = clock_timestamp() from due where s.subject_id = due.subject_id;
    return null;
end $$;
create trigger waiver_changed after update of ended_at on stringx.waivers for each row
    when (old.ended_at is null and new.ended_at is not null) execute function stringx.waiver_changed();

-- A changed rule ends its waiver for good, whatever release changes it.
create function stringx.end_changed_waivers() returns trigger language plpgsql as $$
begin
    update stringx.waivers w set ended_at = clock_timestamp(), ended_because = 'changed'
    where w.target = old.target and w.table_name = old.table_name and w.ended_at is null
      and stringx.waivable_rule((select t.document from stringx.configured_tables t where t.target = w.target and t.table_name = w.table_name), w.rule_id)
          is distinct from w.rule;
    return null;
end $$;
create trigger end_changed_waivers after update or delete on stringx.tables for each row execute function stringx.end_changed_waivers();

-- The waivers that a result leans on: [{id, table, rule, failures, total}], null for none. DataOps notes them with its check, because a
-- Backend of a release before this one, which may run beside it, keeps no such field of the results that it stores.
alter table dataops.checks add column waivers jsonb;
alter table stringx.results add column waivers jsonb;
create function stringx.note_waivers() returns trigger language plpgsql as $$
begin
    new.waivers := coalesce((select c.waivers from dataops.checks c where c.check_id = new.check_id), new.waivers);
    return new;
end $$;
create trigger note_waivers before insert on stringx.results for each row execute function stringx.note_waivers();

-- The docs portal names the rules of a table or dataset that are waived, the first ten.
create or replace view stringx.board as
select s.kind, s.target, s.name, s.rank,
       case when s.state = 'open' and o.is_overdue then 'stale' else s.state end as state,
       o.is_overdue, s.since, s.reasons, s.recent, s.score, s.owner, s.checked_at,
       array(select w.rule_id from stringx.active_waivers w
             where w.target = s.target and (s.kind = 'table' and w.table_name = s.name
                                            or s.kind = 'dataset' and w.table_name in (select unnest(d.tables) from stringx.datasets d where d.name = s.name))
             order by w.table_name, w.rule_id limit 10) as waived
from stringx.states s
cross join lateral (select coalesce(s.refresh_at < clock_timestamp() - interval '1 minute', false) as is_overdue) o;

-- Points of waived failures, and of shadow rules, are marked.
alter table stringx.rule_points add column waived boolean not null default false, add column shadow boolean not null default false;
create or replace function stringx.write_history(
    parts jsonb, of_target text, of_at timestamptz, of_check_id uuid, of_request_id text, of_status text, of_full boolean,
    of_narrowed_to jsonb, of_duration_ms bigint, of_snapshot_at timestamptz, of_checked_at timestamptz, most_recent integer
) returns void language plpgsql as $$
declare
    asked_by constant text := (select r.requested_by from stringx.requests r where r.request_id = of_request_id);
    part     record;
    written  bigint;
begin
    insert into stringx.subjects (kind, target, name)
    select p.kind, of_target, p.name from jsonb_to_recordset(parts) as p (kind text, name text)
    where (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = of_target and s.name = p.name) is null
    order by p.kind desc, p.name
    on conflict do nothing;

    for part in
        select p.*, (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = of_target and s.name = p.name) as subject_id
        from jsonb_to_recordset(parts) as p (
            kind text, name text, verdict text, rules_hash text, gate text, counts jsonb, row_count bigint, score double precision,
            config_version integer, points jsonb)
        order by p.kind desc, subject_id
    loop
        insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, narrowed_to, counts, row_count,
                                          score, duration_ms, config_version, requested_by)
        values (part.subject_id, of_at, of_check_id, of_request_id, of_status, part.verdict, part.gate, of_full, of_narrowed_to, part.counts,
                part.row_count, part.score, of_duration_ms, part.config_version, asked_by)
        on conflict do nothing;

        -- Rules have their numbers, but for those that are new: then it is done twice.
        for attempt in 1..2 loop
            insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, measured, config_version, waived, shadow)
            select p.rule_key, of_at, of_check_id, p.status, p.failures, p.total, p.measured, part.config_version,
                   coalesce(p.waived, false), coalesce(p.shadow, false)
            from (select p.*, (select r.rule_key from stringx.subject_rules r where r.subject_id = part.subject_id and r.rule_id = p.rule_id) as rule_key
                  from jsonb_to_recordset(part.points) as p (
                      rule_id text, status text, failures bigint, total bigint, measured double precision, waived boolean, shadow boolean)
                  offset 0) p
            where p.rule_key is not null
            on conflict do nothing;
            get diagnostics written = row_count;
            exit when written = jsonb_array_length(part.points);
            insert into stringx.subject_rules (subject_id, rule_id)
            select part.subject_id, p.rule_id from jsonb_to_recordset(part.points) as p (rule_id text)
            where (select r.rule_key from stringx.subject_rules r where r.subject_id = part.subject_id and r.rule_id = p.rule_id) is null
            order by p.rule_id
            on conflict do nothing;
        end loop;
    end loop;

    -- After all rules, so that nobody waits for a rule while states are locked. A refresh that was asked for meanwhile still takes place.
    for part in
        select p.*, (select s.subject_id from stringx.subjects s where s.kind = p.kind and s.target = of_target and s.name = p.name) as subject_id
        from jsonb_to_recordset(parts) as p (
            kind text, name text, verdict text, rules_hash text, gate text, row_count bigint, score double precision, state text, rank smallint,
            reasons text[], stale_at timestamptz)
        where p.state is not null
        order by p.kind desc, subject_id
    loop
        update stringx.states s set
            state = part.state, rank = part.rank, gate = part.gate,
            since = case when s.gate is distinct from part.gate then of_at else s.since end, verdict = part.verdict, reasons = part.reasons,
            rules_hash = part.rules_hash, check_id = of_check_id, request_id = of_request_id, decided_at = of_at,
            snapshot_at = of_snapshot_at, checked_at = of_checked_at, row_count = part.row_count, score = part.score,
            duration_ms = of_duration_ms,
            recent = (s.recent || part.verdict)[greatest(1, cardinality(s.recent) + 2 - most_recent):],
            refresh_at = least(s.refresh_at, part.stale_at)
        where s.subject_id = part.subject_id and (s.decided_at is null or s.decided_at <= of_at);
    end loop;
end $$;

-- `gate: {on_changed_rules: keep}` of the effective document. `kept`: the hashes of earlier sets of rules whose gate no change has closed since, each with the time when
-- the set was replaced. `keeps_since` of a dataset: since when it is kept through changes of its tables. Triggers, so that a document that a
-- release before this one writes, which knows no such setting, closes the gate.
alter table stringx.tables add column kept jsonb not null default '{}';
alter table stringx.datasets add column keeps_since timestamptz;
create function stringx.keep_gate_of_table() returns trigger language plpgsql as $$
declare
    active constant jsonpath := '$.rules[*] ? (!exists(@.active) || @.active == true)';
    before constant jsonb := coalesce(old.effective, old.document);
    now_of constant jsonb := coalesce(new.effective, new.document);
    hash_before constant text := coalesce(old.effective_hash, old.rules_hash);
begin
    if now_of #>> '{gate,on_changed_rules}' is distinct from 'keep' or not jsonb_path_exists(now_of, active) then
        new.kept := '{}';
    elsif coalesce(new.effective_hash, new.rules_hash) is distinct from hash_before then
        if jsonb_path_exists(before, active) and (select count(*) from jsonb_object_keys(old.kept)) < 1000 then
            new.kept := old.kept || jsonb_build_object(hash_before, clock_timestamp());
        else
            new.kept := '{}';
        end if;
    end if;
    return new;
end $$;
create trigger keep_gate before update on stringx.tables for each row execute function stringx.keep_gate_of_table();
create function stringx.keep_gate_of_dataset() returns trigger language plpgsql as $$
begin
    if new.document #>> '{gate,on_changed_rules}' is distinct from 'keep' then
        new.keeps_since := null;
    elsif tg_op = 'INSERT' or old.document #>> '{gate,on_changed_rules}' is distinct from 'keep' or new.tables is distinct from old.tables
          or new.target is distinct from old.target then
        new.keeps_since := clock_timestamp();
    end if;
    return new;
end $$;
create trigger keep_gate before insert or update on stringx.datasets for each row execute function stringx.keep_gate_of_dataset();
