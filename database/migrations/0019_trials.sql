-- Trials: checks of a document that is not stored. They are requests and checks like others, but decide and count nothing. That holds
-- for whatever release writes, because a release before this one may run beside it: docs/decisions/0020-trials.md.

-- A request whose body holds a document, or whose result says so, is a trial. `is_full` is false: it decides no gate and keeps none closed.
alter table stringx.requests add column trial boolean not null default false;
create function stringx.mark_trial() returns trigger language plpgsql as $$
begin
    new.trial := true;
    new.is_full := false;
    return new;
end $$;
create trigger mark_trial before insert on stringx.requests for each row
    when (new.body ?| array['document', 'trial']) execute function stringx.mark_trial();

-- The results of trials. They never reach stringx.results, which gates, states, histories and publications are made of.
create table stringx.trials (
    request_id  text primary key references stringx.requests (request_id) on delete cascade,
    result      json not null,
    summary     json
);
create function stringx.keep_trial() returns trigger language plpgsql as $$
declare
    is_stored boolean := false;
begin
    if not exists (select from stringx.requests q where q.request_id = new.request_id and q.trial) then
        return new;
    end if;
    begin
        is_stored := new.result #>> '{asked,target}' is not null and new.result #>> '{asked,trial}' is null
                     and coalesce(new.result #>> '{asked,rule_ids,0}', '') not like 'trial\_%';
    exception when untranslatable_character then  -- a NUL somewhere in it
        null;
    end;
    if is_stored then  -- a check of the stored document under the id of a trial: it counts
        update stringx.requests set trial = false, is_full = new.is_full where request_id = new.request_id;
        return new;
    end if;
    insert into stringx.trials (request_id, result, summary) values (new.request_id, new.result, new.summary) on conflict do nothing;
    return null;
end $$;
create trigger keep_trial before insert on stringx.results for each row execute function stringx.keep_trial();

drop trigger count_request on stringx.requests;
create trigger count_request after update of finished_at on stringx.requests for each row
    when (old.finished_at is null and new.finished_at is not null and not new.trial) execute function stringx.count_request();
drop trigger publish_request on stringx.requests;
create trigger publish_request after update of finished_at on stringx.requests for each row
    when (old.finished_at is null and new.finished_at is not null and not new.trial) execute function stringx.publish_request();

-- A trial's whole request, with its document; null for other checks. A worker of a release before this one reads `body` alone: in a trial
-- it asks for a rule that no table has, so that such a worker ends it as errored and checks no other document in its place.
alter table dataops.checks add column trial jsonb;
drop trigger count_check on dataops.checks;
create trigger count_check after update of status on dataops.checks for each row
    when (old.status in ('queued', 'running') and new.status not in ('queued', 'running') and new.trial is null)
    execute function dataops.count_check();
