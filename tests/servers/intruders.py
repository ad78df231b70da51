"""What another role makes so that it fits better than PostgreSQL's own: functions, operators, aggregates, types, relations."""

import re
from typing import Any

from stringx_dataops.contract.settings import ROOT

CALLED = sorted(
    {name for path in (ROOT / "stringx" / "macros").rglob("*.sql") for name in re.findall(r"\b([a-z_]+)\(", path.read_text())}
)
OPERATORS = (
    "=", "<>", "<", "<=", ">", ">=", "~", "!~", "~*", "~~", "!~~", "~~*", "+", "-", "*", "/", "||", "->", "->>", "#>>", "&",
)  # fmt: skip
TYPES = (
    "text", "varchar", "bpchar", '"char"', "name", "smallint", "integer", "bigint", "numeric", "real", "float8", "boolean", "date", "timestamp",
    "timestamptz", "time", "interval", "text[]", "varchar[]", "integer[]", "name[]", "boolean[]", "oid", "oid[]", "smallint[]", "json", "jsonb", "json[]",
    "regclass", "cstring", "record", "uuid", "bytea", "inet",
)  # fmt: skip
# Everything that the macros call, for arguments that PostgreSQL's own would take only by a cast or as polymorphic ones.
OVERLOADS = """
set search_path = pg_catalog;
do $$
declare
  one text; other text; called text; number integer; kind text; body constant text := 'begin raise exception ''hostile code ran''; end';
  types constant text[] := array[{types}];
  second constant text[] := array['text', 'varchar', 'integer', 'boolean', 'name', 'json'];
begin
  foreach called in array array[{called}] loop
    for number in select distinct pronargs from pg_catalog.pg_proc where proname = called and pronamespace = 'pg_catalog'::regnamespace and pronargs < 4
                  union select 1 where exists (select from pg_catalog.pg_proc where proname = called and provariadic <> 0) loop
      foreach one in array types loop
        foreach other in array case when number > 1 then second || one else array[one] end loop
          begin
            execute format('create function {schema}.%I(%s) returns text language plpgsql as %L', called,
                           case number when 0 then '' when 1 then one when 2 then one || ', ' || other else one || ', ' || other || ', ' || other end, body);
          exception when others then null;  -- a pseudo-type, a signature that is there
          end;
        end loop;
      end loop;
    end loop;
  end loop;
  foreach one in array types loop
    foreach other in array array['text', 'varchar', one] loop
      begin
        execute format('create function {schema}.hostile(%s, %s) returns boolean language plpgsql as %L', one, other, body);
        foreach called in array array[{operators}] loop
          begin
            execute format('create operator {schema}.%s (leftarg = %s, rightarg = %s, function = {schema}.hostile)', called, one, other);
          exception when others then null;
          end;
        end loop;
      exception when others then null;
      end;
    end loop;
    begin
      execute format('create aggregate {schema}.%s(%s) (sfunc = {schema}.hostile_state, stype = bigint)', 'count', one);
    exception when others then null;
    end;
  end loop;
  foreach one in array array['text', 'varchar', 'int4', 'int8', 'numeric', 'bool', 'json', 'jsonb', 'timestamptz', 'name', 'oid', 'regclass', 'interval'] loop
    execute format('create domain {schema}.%I as pg_catalog.text check (value = ''never'')', one);
  end loop;
  foreach one in array array['pg_class', 'pg_attribute', 'pg_type', 'pg_namespace', 'pg_index', 'pg_constraint', 'pg_roles', 'pg_settings', 'pg_proc'] loop
    execute format('create table {schema}.%I (oid oid)', one);
    execute format('grant select on {schema}.%I to public', one);
  end loop;
end $$
"""


def overloads(schema: str) -> str:
    def listed(names: Any) -> str:
        return ", ".join("'" + name.replace("'", "''") + "'" for name in names)

    return OVERLOADS.format(types=listed(TYPES), called=listed(CALLED), operators=listed(OPERATORS), schema=schema)


# Operators and an aggregate that fit a domain better than those of the type which it stands for.
OF_A_DOMAIN = """
do $$
declare called text; one text; other text;
begin
  foreach one in array array['public.email', 'public.citext'] loop
    foreach other in array array['public.email', 'public.citext', 'text'] loop
      continue when one = 'public.citext' and other <> 'public.email';
      execute format('create function public.hostile(%s, %s) returns boolean language plpgsql as %L', one, other, 'begin raise exception ''hostile code ran''; end');
      foreach called in array array['=', '<>', '<', '<=', '>', '>=', '~', '!~', '~~', '!~~'] loop
        execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.hostile)', called, one, other);
      end loop;
    end loop;
  end loop;
  create function public.max(public.email) returns public.citext language plpgsql as 'begin raise exception ''hostile code ran''; end';
end $$
"""
