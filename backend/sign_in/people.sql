-- name: use
-- The state of a sign-in, once: no row if it was used before. Those that have expired go at the same time.
with expired as (delete from stringx.used_sign_ins where expires_at < now())
insert into stringx.used_sign_ins (state_hash, expires_at) values (%(state_hash)s, now() + make_interval(secs => %(seconds)s))
on conflict do nothing returning true as used

-- name: begin
with expired as (delete from stringx.person_sessions where expires_at < now())
insert into stringx.person_sessions (token_hash, issuer, client_id, subject, name, groups, expires_at)
values (%(token_hash)s, %(issuer)s, %(client_id)s, %(subject)s, %(name)s, %(groups)s, now() + make_interval(hours => %(hours)s))

-- name: find
-- Only of the provider, and the client there, that the settings name now.
select name, groups from stringx.person_sessions
where token_hash = %(token_hash)s and issuer = %(issuer)s and client_id = %(client_id)s and expires_at > now()

-- name: finish
delete from stringx.person_sessions where token_hash = %(token_hash)s returning subject
