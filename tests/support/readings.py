"""Readings of meters, rules about them, and the plain SQL that counts or measures the same."""

from typing import Any

from tests.support.engine import rule

READINGS = """
create table meters (meter text, kind text);
insert into meters values ('a', 'gas'), ('b', 'water');
create table copies (id integer, reading numeric);
insert into copies select n, n from generate_series(1, 9) n;
create table readings (
  id integer, meter text, reading numeric, ratio double precision, note text, contact text, amount text, read_at timestamptz, loaded_at timestamptz,
  day date, local_at timestamp, code varchar(10), price numeric(10,2), tags text[]);
insert into readings values
  (1, 'a', 10,   0.1, 'fine',     'x@example.org', '12',    '2026-01-01 00:10+00', '2026-01-01 00:20+00', '2026-01-01', '2026-01-01 00:10', 'AB1', 1.00, '{x}'),
  (2, 'a', 12,   0.2, ' ',        'nobody',        'twelve','2026-01-01 01:10+00', '2026-01-01 04:20+00', '2026-01-02', '2026-01-01 01:10', 'ab1', 2.00, '{x,y}'),
  (3, 'a', 11,   0.3, null,       'a@b',           '1e3',   '2026-01-01 03:10+00', null,                  '2026-01-05', '2026-01-01 03:10', 'ABC', 3.00, null),
  (4, 'b', 5,    0.4, E'\\t\\n',  null,            null,    '2026-01-01 03:40+00', '2026-01-01 03:45+00', '2026-03-05', '2026-01-01 03:40', '',    4.00, '{y}'),
  (5, 'b', null, 9.9, 'Ünïcode',  'y@example.org', '-7',    '2999-01-01 00:00+00', '2999-01-02 00:00+00', null,         null,               null,  null, null),
  (6, 'b', 5,    0.5, 'it''s',    'z@ex.am.ple',   ' 5 ',   null,                  null,                  '2026-01-01', '2026-01-01 09:10', '100%',500, '{}'),
  (6, null,6,    0.6, 'last',     'q@q.q',         '2026-02-30', '2026-01-01 09:10+00', '2026-01-01 09:00+00', '2026-01-02', '2026-01-01 09:40', 'A_C', 7.00, '{x}');
alter table readings add column payload jsonb;
update readings set payload = jsonb_build_object('reading', reading, 'tags', to_jsonb(tags)) where id < 6;
"""
# rule; the plain SQL of (failures, total), or of (measured, total) where it is a measure; the status
COUNTED: list[tuple[dict[str, Any], str]] = [
    (rule("r", "is_null", "note"), "select count(note), count(*) from readings"),
    (rule("r", "is_null", "note", "loaded_at"), "select count(*) filter (where note is not null or loaded_at is not null), count(*) from readings"),
    (rule("r", "not_blank", "note"), "select 3, 7"),
    (rule("r", "not_blank", "note", "meter"), "select 4, 7"),
    (rule("r", "rejected_values", "meter", values=["a", "z"]), "select count(*) filter (where meter = 'a'), 7 from readings"),
    (rule("r", "rejected_values", "code", values=["ab1"], case_sensitive=False), "select 2, 7"),
    (rule("r", "rejected_values", "code", values=[]), "select 0, 7"),
    (rule("r", "length", "note", min=2, max=5), "select count(*) filter (where length(note) < 2 or length(note) > 5), 7 from readings"),
    (rule("r", "length", "note", max=4, exclusive_max=True), "select count(*) filter (where length(note) >= 4), 7 from readings"),
    (rule("r", "regex", "code", pattern="^[A-Z]+[0-9]?$"), "select 4, 7"),
    (rule("r", "regex", "code", pattern="[0-9]", negate=True), "select 3, 7"),
    (rule("r", "like", "code", pattern="A%"), "select 3, 7"),
    (rule("r", "like", "code", pattern="A\\_C"), "select 5, 7"),
    (rule("r", "like", "code", pattern="a%", case_sensitive=False), "select 2, 7"),
    (rule("r", "like", "code", pattern="A%", negate=True), "select 3, 7"),
    (rule("r", "format", "contact", format="email"), "select 2, 7"),
    (rule("r", "format", "amount", format="date"), "select 6, 7"),
    (rule("r", "castable", "amount", to="integer"), "select 3, 7"),
    (rule("r", "castable", "amount", to="numeric"), "select 2, 7"),
    (rule("r", "not_in_future", "read_at"), "select count(*) filter (where read_at > now()), 7 from readings"),
    (rule("r", "not_in_future", "read_at", tolerance="400000d"), "select 0, 7"),
    (rule("r", "compare", "read_at", operator="<=", other_column="loaded_at"), "select count(*) filter (where read_at > loaded_at), 7 from readings"),
    (rule("r", "compare", "read_at", operator="<", other_column="loaded_at", null_passes=False), "select 3, 7"),
    (rule("r", "compare", "meter", operator="!=", other_column="code"), "select 0, 7"),
    (rule("r", "max_lag", "read_at", other_column="loaded_at", at_most="1h"), "select 2, 7"),
    (rule("r", "max_lag", "read_at", other_column="loaded_at", at_most="1h", null_passes=False), "select 4, 7"),
    (rule("r", "outliers", "ratio", method="zscore", limit=2), "select count(*) filter (where abs(ratio - m) > 2 * s), 7 from readings, (select avg(ratio) m, stddev(ratio) s from readings) x"),
    (rule("r", "outliers", "price", method="iqr", limit=1.5), "select 1, 7"),
    (rule("r", "monotonic", "reading", order_by="id", partition_by="meter"), "select 1, 7"),
    (rule("r", "monotonic", "reading", order_by=["id"], partition_by=["meter"], strict=True), "select 2, 7"),
    (rule("r", "monotonic", "id", order_by="id", strict=True), "select 1, 7"),
    (rule("r", "monotonic", "id", order_by="id"), "select 0, 7"),
    (rule("r", "monotonic", "id", order_by="id", direction="decreasing"), "select 5, 7"),
    (rule("r", "distinct_values", "meter", values=["a"]), "select 1, null::int"),
    (rule("r", "distinct_values", "meter", values=["a", "c", "d"], mode="contain"), "select 2, null::int"),
    (rule("r", "distinct_values", "meter", values=["a", "c", "c", "d"], mode="equal"), "select 3, null::int"),
    (rule("r", "distinct_values", "tags", values=["{x}", "{x,y}", "{y,x}"], mode="equal"), "select 3, null::int"),
    (rule("r", "distinct_values", "id", values=[1, 2, 3, 4, 5, 6], mode="equal"), "select 0, null::int"),
    (rule("r", "no_gaps", "read_at", every="1h", where="id < 5"), "select 1, 4"),
    (rule("r", "no_gaps", "local_at", every="30m"), "select 14, 20"),
    (rule("r", "no_gaps", "day", every="day"), "select 60, 64"),
    (rule("r", "no_gaps", "day", every="month"), "select 1, 3"),
    (rule("r", "no_gaps", "day", every="week"), "select 7, 10"),
    (rule("r", "no_gaps", "day", every="quarter"), "select 0, 1"),
    (rule("r", "json_schema", "payload", schema={"properties": {"reading": {"type": "number"}, "tags": {"items": {"enum": ["x"]}}}}), "select count(*) filter (where reading is null and id < 6 or tags && '{y}'), 7 from readings"),
    (rule("r", "compare_rows", "reading", other_table="public.copies", key="id", where="id < 6"), "select 5 + 4, 9"),
    (rule("r", "compare_rows", "reading", other_table="public.copies", key=["id"], where="id < 6", tolerance="400%", other_where="id < 6"), "select 3, 5"),
    (rule("r", "columns", names=["id", "meter", "gone"], mode="contains"), "select 1, null::int"),
    (rule("r", "columns", names=["id", "meter", "gone"]), "select 1 + 13, null::int"),
    (rule("r", "sql", query="select * from public.readings where reading < 10"), "select 3, null::int"),
]  # fmt: skip
MEASURED: list[tuple[dict[str, Any], str, str]] = [
    (rule("r", "aggregate", "reading", fail_above=None, function="min", min=6), "select min(reading)::text, 7 from readings", "fail"),
    (rule("r", "aggregate", "reading", fail_above=None, function="sum", max=48), "select sum(reading)::text, 7 from readings", "fail"),
    (rule("r", "aggregate", "reading", fail_above=None, function="avg", warn={"max": 8}), "select avg(reading)::text, 7 from readings", "warn"),
    (rule("r", "aggregate", "reading", fail_above=None, function="stddev", min=1, max=5), "select stddev(reading)::text, 7 from readings", "pass"),
    (rule("r", "aggregate", "reading", fail_above=None, function="median", min=9), "select '8', 7", "fail"),
    (rule("r", "aggregate", "reading", fail_above=None, function="percentile", p=0.9, max=100), "select '11.5', 7", "pass"),
    (rule("r", "aggregate", "id", fail_above=None, function="distinct_count", min=7), "select count(distinct id)::text, 7 from readings", "fail"),
    (rule("r", "aggregate", "id", fail_above=None, function="distinct_ratio", min=0.9), "select (6 / 7.0)::text, 7", "fail"),
    (rule("r", "aggregate", "note", fail_above=None, function="null_ratio", max=0.2), "select (1 / 7.0)::text, 7", "pass"),
    (rule("r", "aggregate", "read_at", fail_above=None, function="max", max="2027-01-01"), "select max(read_at)::text, 7 from readings", "fail"),
    (rule("r", "aggregate", "reading", fail_above=None, function="max", max=5, where="id > 100"), "select null, 0", "pass"),
    (rule("r", "row_count_matches", fail_above=None, other_table="public.copies"), "select '2', 7", "fail"),
    (rule("r", "row_count_matches", fail_above=None, other_table="public.copies", tolerance="25%"), "select '2', 7", "pass"),
    (rule("r", "row_count_matches", fail_above=None, other_table="public.copies", warn={"tolerance": 1}), "select '2', 7", "warn"),
    (rule("r", "row_count_matches", fail_above=None, other_table="public.copies", other_where="id <= 7"), "select '0', 7", "pass"),
    (rule("r", "aggregate_matches", "reading", fail_above=None, function="sum", other_table="public.copies"), "select '4', 7", "pass"),
    (rule("r", "quantiles", "reading", fail_above=None, bounds=[{"p": 0.5, "max": 7}, {"p": "0.9", "min": 11, "max": 12}, {"p": 0, "min": 6}]), "select (case when m > 7 then 1 else 0 end + case when n < 11 or n > 12 then 1 else 0 end + case when o < 6 then 1 else 0 end)::text, 7 from (select percentile_cont(0.5) within group (order by reading) as m, percentile_cont(0.9) within group (order by reading) as n, min(reading) as o from readings) x", "fail"),
    (rule("r", "quantiles", "day", fail_above=None, bounds=[{"p": 0.5, "min": "2026-01-02", "max": "2026-01-02"}, {"p": 1, "warn": {"max": "2026-03-01"}}]), "select '1', 7", "warn"),
    (rule("r", "quantiles", "note", fail_above=None, where="id > 100", bounds=[{"p": 0.5, "max": 7}]) | {"columns": ["ratio"]}, "select null, 0", "pass"),
    (rule("r", "correlation", "reading", fail_above=None, other_column="id", max=-0.5), "select corr(id, reading)::text, 7 from readings", "pass"),
    (rule("r", "correlation", "ratio", fail_above=None, other_column="price", method="spearman", min=0.5, warn={"min": 0.99}), "select corr(r, p)::text, 7 from (select rank() over (order by ratio) r, rank() over (order by price) p from readings where price is not null) x", "warn"),
    (rule("r", "column_count", fail_above=None, max=13), "select '15', null::int", "fail"),
]  # fmt: skip
MEASURED[15] = (
    MEASURED[15][0],
    "select abs((select sum(reading) from readings) - (select sum(reading) from copies))::text, 7",
    "fail",
)
DBT: list[tuple[dict[str, Any], str]] = [
    (rule("r", "dbt", "id", test="unique"), "select count(*) from (select id from readings group by 1 having count(*) > 1) x"),
    (rule("r", "dbt", "note", test="not_null"), "select count(*) from readings where note is null"),
    (rule("r", "dbt", "note", test="dbt.not_null", where="id > 3"), "select 0"),
    (rule("r", "dbt", "note", test="not_null", where="id = 3"), "select 1"),
    (rule("r", "dbt", "meter", test="accepted_values", arguments={"values": ["a"]}), "select count(distinct meter) from readings where meter <> 'a'"),
    (rule("r", "dbt", "id", test="accepted_values", arguments={"values": [1, 2], "quote": False}), "select 4"),
    (rule("r", "dbt", "meter", test="relationships", arguments={"to": {"relation": "public.meters"}, "field": "meter"}), "select 0"),
    (rule("r", "dbt", "code", test="relationships", arguments={"to": {"relation": "public.meters"}, "field": "meter"}), "select count(code) from readings"),
]  # fmt: skip
