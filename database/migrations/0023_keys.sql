-- Named keys that end, rotate and are limited to targets; and the audit log.

-- `prefix`: the public part of the key; null for keys of earlier releases. `targets`: null is all. `previous_hash`: the secret before the last
-- rotation, valid until `previous_until`. `last_used_at` is written at most once a minute.
alter table stringx.api_keys
    add column prefix text,
    add column targets text[],
    add column created_by text,
    add column last_used_at timestamptz,
    add column rotated_at timestamptz,
    add column previous_hash bytea,
    add column previous_until timestamptz,
    add constraint api_keys_limits check (targets is null or (cardinality(targets) > 0 and not 'admin' = any (scopes)));

-- The valid key of a hash: one row or none. A limited key is stored under the hash of its hash, so that a release before this one, which knows
-- no limits and may run beside it, does not find the key and refuses it.
create function stringx.valid_keys(hash bytea) returns setof stringx.api_keys language sql stable as $$
    select * from stringx.api_keys
    where (key_hash in (hash, sha256(hash)) or previous_hash in (hash, sha256(hash))) and revoked_at is null and (expires_at is null or expires_at > now())
      and case when targets is null then hash else sha256(hash) end in (key_hash, case when previous_until > now() then previous_hash end)
$$;

-- One entry per change, and per cancel, key or login. `subject` is a kind and a name: table:nyc/public.flights. No secrets, no values of rows.
create table stringx.audit (
    entry_id  bigint generated always as identity primary key,
    at        timestamptz not null default clock_timestamp(),
    actor     text not null,
    action    text not null,
    subject   text not null,
    address   text,
    details   jsonb not null default '{}'
);
create index audit_by_time on stringx.audit (at);
create index audit_by_actor on stringx.audit (actor, entry_id);
create index audit_by_action on stringx.audit (action, entry_id);
create index audit_by_subject on stringx.audit (subject, entry_id);

-- Entries stay as they are. Retention may delete those that are older than 30 days.
create function stringx.keep_audit() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.at < now() - interval '30 days' then
        return old;
    end if;
    raise exception 'stringx.audit is append-only';
end $$;
create trigger keep_audit before update or delete on stringx.audit for each row execute function stringx.keep_audit();
create trigger keep_whole_audit before truncate on stringx.audit for each statement execute function stringx.keep_audit();
