-- name: add
insert into stringx.notifications (channel, kind, content, items, planned_at, due_at)
values (%(channel)s, %(kind)s, %(content)s, %(items)s, %(now)s, %(due_at)s)
returning notification_id

-- name: withdraw
-- Not one that an acknowledgement, or who sends, holds at this moment.
update stringx.notifications set withdrawn_at = %(now)s, withdrawn_because = %(because)s
where notification_id in (
    select notification_id from stringx.notifications
    where notification_id = %(notification_id)s and delivered_at is null and given_up_at is null and withdrawn_at is null
    for update skip locked)

-- name: reword
update stringx.notifications set content = %(content)s, items = %(items)s
where notification_id in (
    select notification_id from stringx.notifications
    where notification_id = %(notification_id)s and delivered_at is null and given_up_at is null and withdrawn_at is null
    for update skip locked)

-- name: no_longer_told
delete from stringx.notified where notification_id = %(notification_id)s and incident_id <> all(%(left)s::uuid[])
