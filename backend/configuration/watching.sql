-- name: token
select token::text from stringx.watch_changes where kind = %(kind)s

-- name: documents
select document, version, updated_at from stringx.watch_documents where kind = %(kind)s order by name
