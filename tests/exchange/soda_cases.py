"""Checks of Soda of every kind that is taken up, with thresholds drawn by chance near what the tables hold."""

import json
import random
from typing import Any

COUNTS = [0, 0, 1, 2, 3, 5, 7, 12, 24, 36]
PERCENTS = [0, 1, 2.5, 5, 9.58, 10, 14.28, 14.29, 15, 28.57, 42.86, 50, 100]
VALUES = [-5, 0, 1, 2.5, 9.75, 10, 22, 23.5, 49, 50, 1000]
FORMATS = [
    "integer", "positive integer", "decimal", "decimal point", "decimal comma", "percentage", "date inverse", "date eu", "time 24h", "email", "uuid",
    "ip address", "phone number", "negative decimal", "time 24h nosec", "timestamp 24h", "date us", "positive percentage point",
]  # fmt: skip
MISSING: list[dict[str, Any]] = [
    {},
    {},
    {"missing values": ["N/A", "-"]},
    {"missing regex": "^ *$"},
    {"missing values": [""], "missing regex": "(?i)n/a"},
]
TEXTS: list[dict[str, Any]] = [
    {"valid values": ["a", "b", "c"]}, {"invalid values": ["N/A", "A"]}, {"valid regex": "^[a-c]+$"}, {"invalid regex": "[A-Z]"},
    {"valid min length": 1}, {"valid max length": 2}, {"valid length": 1}, {"valid min length": 1, "valid max length": 2},
    {"valid values": ["a", "b"], "invalid values": ["b"]}, {"valid regex": "a", "valid max length": 2}, {"valid values": ["a"], "include null": True},
]  # fmt: skip
NUMBERS: list[dict[str, Any]] = [
    {"valid min": 0}, {"valid max": 22}, {"valid min": 1, "valid max": 40}, {"valid min": 0.3}, {"valid max": 1.1}, {"valid values": [1, 2, 3]},
    {"valid values": [0.5, 1.1, 2]}, {"invalid values": [0, 1]},
]  # fmt: skip
AGGREGATES = ["min", "max", "avg", "sum", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"]


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _threshold(chance: random.Random, values: list[Any]) -> str:
    low, high = sorted(chance.sample(sorted(set(values)), 2))
    one = _number(chance.choice(values))
    return chance.choice(
        [
            f"= {one}",
            f"< {one}",
            f"<= {one}",
            f"> {one}",
            f">= {one}",
            f"!= {one}",
            f"between {_number(low)} and {_number(high)}",
            f"not between {_number(low)} and {_number(high)}",
            f"between ({_number(low)} and {_number(high)}]",
        ]
    )


def _judged(chance: random.Random, metric: str, values: list[Any], more: dict[str, Any]) -> Any:
    if chance.random() < 0.3:
        zones = {"fail": f"when {_threshold(chance, values)}", "warn": f"when {_threshold(chance, values)}"}
        if chance.random() < 0.5:
            low, high = sorted(chance.sample(sorted(set(values)), 2))
            zones = {"warn": f"when > {_number(low)}", "fail": f"when > {_number(high)}"}
        if chance.random() < 0.2:
            zones.pop(chance.choice(["fail", "warn"]))
        return {metric: {**zones, **more}}
    line = f"{metric} {_threshold(chance, values)}"
    return {line: more} if more else line


def sodacl_check(chance: random.Random) -> Any:
    """A check of SodaCL as YAML holds it."""
    more: dict[str, Any] = {"filter": chance.choice(["s > 1", "n > 3 or b", "t <> 'a'"])} if chance.random() < 0.25 else {}
    match chance.randrange(16):
        case 0:
            return _judged(chance, "row_count", [*COUNTS, 239, 240, 241], more)
        case 1 | 2:
            return _judged(chance, f"missing_count({chance.choice('tefv')})", COUNTS, more | chance.choice(MISSING))
        case 3 | 4:
            return _judged(chance, f"missing_percent({chance.choice('tefv')})", PERCENTS, more | chance.choice(MISSING))
        case 5:
            return _judged(chance, "invalid_count(t)", COUNTS, more | chance.choice(MISSING) | chance.choice(TEXTS))
        case 6:
            return _judged(chance, "invalid_percent(t)", PERCENTS, more | chance.choice(MISSING) | chance.choice(TEXTS))
        case 7:
            return _judged(chance, f"invalid_count({chance.choice('nxrs')})", COUNTS, more | chance.choice(NUMBERS))
        case 8:
            return _judged(
                chance, f"invalid_percent({chance.choice('ef')})", PERCENTS, more | {"valid format": chance.choice(FORMATS)}
            )
        case 9:
            return _judged(chance, f"duplicate_count({chance.choice(['id', 't', 'id, t', 's, t, v', 'big'])})", COUNTS, more)
        case 10:
            return _judged(chance, f"duplicate_percent({chance.choice(['id', 't', 'id, t', 's'])})", PERCENTS, more)
        case 11 | 12:
            return _judged(chance, f"{chance.choice(AGGREGATES)}({chance.choice(['n', 's', 'n', 'id'])})", VALUES, more)
        case 13:
            metric = chance.choice(["min_length(t)", "max_length(t)", "avg_length(v)", "percentile(n, 0.9)", "avg(x)", "max(r)"])
            return _judged(chance, metric, VALUES, more)
        case 14:
            return _judged(chance, "valid_count(t)", COUNTS, more | chance.choice(MISSING) | chance.choice(TEXTS))
        case _:
            return _other_sodacl(chance)


def _other_sodacl(chance: random.Random) -> Any:
    low, high = sorted(chance.sample(COUNTS[4:], 2))
    zones = {"warn": f"when > {low}", "fail": f"when > {high}"} if low < high and chance.random() < 0.4 else {}
    return chance.choice(
        [
            {"failed rows": {"fail condition": chance.choice(["n < 0", "t = '' or t is null", "s > 4 and b"]), **zones}},
            {
                "failed rows": {
                    "fail query": chance.choice(
                        ["select * from public.full where n < 1;", "select id from public.small where n > 1000"]
                    ),
                    **zones,
                }
            },
            f"values in ({chance.choice(['id', 's'])}) must exist in other (key)",
            "values in (t) must exist in other (word)",
            "values in (id, t) must exist in other (key, word)",
            "values in (id) must not exist in other (key)",
            f"row_count same as {chance.choice(['other', 'full', 'small', 'nothing'])}",
            {
                "schema": {
                    chance.choice(["fail", "warn"]): {"when required column missing": chance.choice([["id", "t"], ["id", "zz"]])}
                }
            },
            {"schema": {"fail": {"when wrong column type": chance.choice(SCHEMAS)}}},
            {
                "schema": {
                    chance.choice(["fail", "warn"]): {
                        "when forbidden column present": chance.choice([["zz", "t*"], ["i%d"], ["x_", "pii*"]])
                    }
                }
            },
            {"schema": {"fail": {"when mismatching columns": {"id": "integer", "t": "text"}}}},
            f"freshness(ts) < {chance.choice(['1d', '400d', '1000d', '2500d', '9000d12h'])}",
            {"freshness(tz)": {"warn": "when > 1000d", "fail": "when > 3000d"}},
            {"freshness(ts) < 3000d": {"filter": chance.choice(["s > 3", "s > 100"])}},
            {f"my_metric {_threshold(chance, VALUES)}": {"my_metric expression": "avg(n - s)"}},
            {f"my_count {_threshold(chance, COUNTS)}": {"my_count query": "select count(*) from public.full where n < 0"}},
            {"avg(n) > 1": {"valid max": 20}},
            {"sum(s) between 1 and 500": {"missing values": [0, 1], "filter": "b"}},
        ]
    )


SCHEMAS = [{"id": "integer", "t": "text"}, {"v": "text"}, {"v": "varchar", "n": "numeric"}, {"x": "numeric", "ts": "timestamptz"}, {"tz": "timestamp", "d": "date"}, {"x": "double precision", "n": "double precision"}, {"id": "bigint"}, {"t": "varchar"}, {"zz": "integer"}]  # fmt: skip


def sodacl_text(table: str, check: Any, chance: random.Random) -> str:
    """A file with the one check; JSON is YAML."""
    document: dict[str, Any] = {}
    header = f"checks for {table}"
    text = check if isinstance(check, str) else next(iter(check))
    if chance.random() < 0.15 and not text.startswith("values in"):
        document[f"filter {table} [part]"] = {"where": "s <= 3"}
        header += " [part]"
    if chance.random() < 0.15:
        document[f"configurations for {table}"] = {"missing values for t": ["c"], "valid max for n": 45}
    return json.dumps({**document, header: [check]}, ensure_ascii=False)


def _must(chance: random.Random, values: list[Any]) -> dict[str, Any]:
    low, high = sorted(chance.sample(sorted(set(values)), 2))
    one = chance.choice(values)
    kinds = [
        "must_be",
        "must_not_be",
        "must_be_less_than",
        "must_be_less_than_or_equal",
        "must_be_greater_than",
        "must_be_greater_than_or_equal",
    ]
    if chance.random() < 0.3:
        if chance.random() < 0.6:
            return {
                "must_be_between": {
                    chance.choice(["greater_than", "greater_than_or_equal"]): low,
                    chance.choice(["less_than", "less_than_or_equal"]): high,
                }
            }
        return {
            "must_be_not_between": {
                chance.choice(["greater_than", "greater_than_or_equal"]): high,
                chance.choice(["less_than", "less_than_or_equal"]): low,
            }
        }
    return {chance.choice(kinds): one}


def _limited(chance: random.Random, percent: bool, values: list[Any] | None = None) -> dict[str, Any]:
    """The fields `threshold` and `filter`."""
    found: dict[str, Any] = {}
    pool = values or (PERCENTS if percent else COUNTS)
    if values or chance.random() < 0.85:
        found["threshold"] = _must(chance, pool) | ({"metric": "percent"} if percent else {})
        if chance.random() < 0.2:
            found["threshold"]["level"] = "warn"
        elif chance.random() < 0.3:
            found["threshold"]["additional"] = _must(chance, pool) | {"level": "warn"}
    if chance.random() < 0.25:
        found["filter"] = chance.choice(["s > 1", "n > 3 or b", "t <> 'a'"])
    return found


def _underscored(fields: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in fields.items():
        if key == "include null":
            continue
        name = key.replace(" ", "_")
        found[name.replace("regex", "format")] = {"regex": value, "name": "own"} if "regex" in key else value
    return found


def contract_text(table: str, dbname: str, chance: random.Random) -> str:
    """A contract with one check."""
    percent = chance.random() < 0.5
    missing, texts, numbers = (_underscored(chance.choice(each)) for each in (MISSING, TEXTS, NUMBERS))
    columns: list[dict[str, Any]] = [{"name": name} for name in ("id", "n", "x", "r", "t", "v", "s")]
    by_name = {column["name"]: column for column in columns}
    checks: list[Any] = []
    match chance.randrange(12):
        case 0:
            checks = [{"row_count": _limited(chance, False, [*COUNTS, 240])}]
        case 1 | 2:
            by_name["t"]["checks"] = [{"missing": _limited(chance, percent) | missing}]
        case 3 | 4:
            by_name["t"]["checks"] = [{"invalid": _limited(chance, percent) | missing | texts}]
        case 5:
            by_name[chance.choice("nxrs")]["checks"] = [{"invalid": _limited(chance, percent) | numbers}]
        case 6:
            by_name[chance.choice(["id", "t", "s"])]["checks"] = [{"duplicate": _limited(chance, percent)}]
        case 7:
            checks = [{"duplicate": {"columns": chance.choice([["id", "t"], ["s", "v"], ["id"]])} | _limited(chance, percent)}]
        case 8:
            function = chance.choice(["avg", "sum", "min", "max"])
            by_name[chance.choice("nsx")]["checks"] = [{"aggregate": {"function": function} | _limited(chance, False, VALUES)}]
        case 9:
            by_name["t"]["checks"] = [
                {
                    "aggregate": {"function": chance.choice(["avg_length", "min_length", "max_length"])}
                    | _limited(chance, False, VALUES)
                }
            ]
        case 10:
            by_name["t"] |= missing | texts  # of the column, for its checks
            by_name["t"]["checks"] = [{chance.choice(["missing", "invalid", "duplicate"]): _limited(chance, percent)}]
        case _:
            checks, by_name["id"]["checks"] = _other_contract(chance, percent, by_name)
            if not by_name["id"]["checks"]:
                del by_name["id"]["checks"]
    document: dict[str, Any] = {"dataset": f"pg/{dbname}/public/{table}", "columns": columns}
    if chance.random() < 0.2:
        document["filter"] = "s <= 3"
    return json.dumps(document | ({"checks": checks} if checks else {}), ensure_ascii=False)


def _other_contract(chance: random.Random, percent: bool, columns: dict[str, dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    pick = chance.randrange(8)
    if pick == 0:
        return [{"failed_rows": {"expression": chance.choice(["n < 0", "t = '' or t is null"])} | _limited(chance, percent)}], []
    if pick == 1:
        return [{"failed_rows": {"query": "select * from public.full where n < 1"} | _limited(chance, False)}], []
    if pick == 2:
        return [{"metric": {"expression": "avg(n - s)", "threshold": _must(chance, VALUES)}}], []
    if pick == 3:
        return [{"metric": {"query": "select count(*) from public.full where n < 0", "threshold": _must(chance, COUNTS)}}], []
    if pick in (4, 5):
        limit = {chance.choice(["must_be_less_than", "must_be_less_than_or_equal"]): chance.choice([1, 400, 1000, 2500])}
        filtered = {"filter": chance.choice(["s > 3", "s > 100"])} if chance.random() < 0.4 else {}
        return [{"freshness": {"column": chance.choice(["ts", "tz", "d"]), "threshold": limit | {"unit": "day"}} | filtered}], []
    if pick == 6:
        for name, wanted in (
            ("id", "integer"),
            ("t", chance.choice(["text", "varchar"])),
            ("n", chance.choice(["numeric", "decimal"])),
        ):
            columns[name]["data_type"] = wanted
        columns["v"] |= {"data_type": "varchar", "character_maximum_length": chance.choice([20, 21])}
        return [{"schema": {"allow_extra_columns": chance.random() < 0.7, "allow_other_column_order": chance.random() < 0.5}}], []
    reference = {"valid_reference_data": {"dataset": "pg/" + "{dbname}" + "/public/other", "column": "key"}}
    return [], [{"invalid": reference | _limited(chance, percent)}]
