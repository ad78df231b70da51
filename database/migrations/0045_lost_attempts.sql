-- Attempts that ended without a result because their worker or their dbt process was lost, by target: for /metrics. A row per
-- target, updated where a check is handed back as crashed or is rescued, and so nothing that checks usually pay for.
create table dataops.lost_attempts (
    target    text primary key,
    attempts  bigint not null default 0
);

create function dataops.count_lost_attempt() returns trigger language plpgsql as $$
begin
    insert into dataops.lost_attempts as l (target, attempts) values (new.target, new.crashes - old.crashes)
    on conflict (target) do update set attempts = l.attempts + excluded.attempts;
    return null;
end $$;
create trigger count_lost_attempt after update of crashes on dataops.checks for each row
    when (new.crashes > old.crashes) execute function dataops.count_lost_attempt();
