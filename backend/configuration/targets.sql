-- name: names
select name from stringx.targets order by name
