-- A dataset whose document names all of its tables has no patterns, though a release before this one, which writes its tables alone, may name
-- just those that had matched: a table that it names must not be deleted, and no other may join it.
create or replace function stringx.keep_patterns() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.document is distinct from old.document and new.patterns is not distinct from old.patterns
       and new.patterns is not null
       and (new.tables <> stringx.dataset_tables(new.target, new.named, new.patterns)
            or not jsonb_path_exists(new.document, '$.tables[*] ? (@ like_regex "[*?]")')) then
        new.named := null;
        new.patterns := null;
    end if;
    return new;
end $$;
