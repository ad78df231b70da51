-- What a list shows of a result, so that none is read for it; null where an earlier release stored the result.
alter table stringx.results add column summary json;
