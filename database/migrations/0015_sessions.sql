-- People who are signed in to the dashboard with a key. A session is stored hashed and ends with its key.
create table stringx.sessions (
    token_hash  bytea primary key,
    key_name    text not null,
    key_hash    bytea not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null
);
create index sessions_expired on stringx.sessions (expires_at);

-- Wrong keys per address: the next try has to wait longer after each.
create table stringx.login_failures (
    address   text primary key,
    failures  integer not null,
    last_at   timestamptz not null
);
create index login_failures_old on stringx.login_failures (last_at);
