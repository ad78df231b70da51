-- Profiles: what the columns of a table look like. One is asked for by a request that is kept apart as trials are (0019_trials.sql), whatever release writes it; what was
-- measured outlives this request: docs/decisions/0036-profiles.md.

-- A request whose body holds `profile` decides nothing, either.
drop trigger mark_trial on stringx.requests;
create trigger mark_trial before insert on stringx.requests for each row
    when (new.body ?| array['document', 'trial', 'profile']) execute function stringx.mark_trial();

create table stringx.profiles (
    profile_id      uuid primary key,
    request_id      text not null,  -- deleted a day after its end
    target          text not null,
    table_name      text not null,
    settings        jsonb not null,
    requested_by    text,
    created_at      timestamptz not null default clock_timestamp(),
    check_id        uuid,
    status          text,           -- of the request, once a result has ended it
    reason          text,
    finished_at     timestamptz,
    snapshot_at     timestamptz,
    row_count       bigint,
    profile         json            -- stringx-profile/1
);
create index profiles_of_table on stringx.profiles (target, table_name, created_at, profile_id);
create index profiles_newest on stringx.profiles (created_at, profile_id);
create index profiles_of_request on stringx.profiles (request_id);

-- A profile's whole request; null for other checks. As with trials, `body` asks for a rule that no table has, for workers of a release before this one.
alter table dataops.checks add column profile jsonb;
drop trigger count_check on dataops.checks;
create trigger count_check after update of status on dataops.checks for each row
    when (old.status in ('queued', 'running') and new.status not in ('queued', 'running') and new.trial is null and new.profile is null)
    execute function dataops.count_check();
