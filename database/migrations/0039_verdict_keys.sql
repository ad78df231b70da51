-- Keys that sign verdicts: docs/decisions/0038-signed-verdicts.md.

-- `sealed`: the private key, encrypted with one that is derived from the installation's signing secret. A key signs from `signs_from` until
-- `signs_until`; the public half is published from the beginning until no token of its can be valid, or until it is withdrawn.
create table stringx.verdict_keys (
    kid           text primary key,
    public_key    text not null,
    sealed        text not null,
    created_at    timestamptz not null default clock_timestamp(),
    created_by    text not null,
    signs_from    timestamptz not null,
    signs_until   timestamptz not null,
    withdrawn_at  timestamptz,
    check (signs_from <= signs_until)
);
