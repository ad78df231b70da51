-- People who are signed in to the dashboard at an OpenID provider. Their groups are kept, because what a group may do is a setting that may change.
create table stringx.person_sessions (
    token_hash  bytea primary key,
    issuer      text not null,
    client_id   text not null,
    subject     text not null,
    name        text not null,
    groups      text[] not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null
);
create index person_sessions_expired on stringx.person_sessions (expires_at);

-- States of sign-ins that a session has begun with, until they would have expired anyway: each is used once.
create table stringx.used_sign_ins (
    state_hash  bytea primary key,
    expires_at  timestamptz not null
);
create index used_sign_ins_expired on stringx.used_sign_ins (expires_at);
