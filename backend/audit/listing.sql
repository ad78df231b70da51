-- name: list
-- Newest first. The parameters are constants to the planner, so that each filter is read from its index.
select entry_id, at, actor, action, subject, address, details from stringx.audit
where (%(actor)s::text is null or actor = %(actor)s)
  and (%(action)s::text is null or action = %(action)s)
  and (%(subject)s::text is null or subject = %(subject)s)
  and (%(from)s::timestamptz is null or at >= %(from)s::timestamptz)
  and (%(to)s::timestamptz is null or at < %(to)s::timestamptz)
  and (%(before)s::bigint is null or entry_id < %(before)s::bigint)
order by entry_id desc limit %(limit)s
