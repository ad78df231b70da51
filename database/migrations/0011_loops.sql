-- How the background loops of processes without HTTP do (workers, Kafka triggers): what /readyz and /metrics of their service tell.
create table public.stringx_loops (
    process      text primary key,
    service      text not null,
    loops        jsonb not null,
    reported_at  timestamptz not null default clock_timestamp()
);
