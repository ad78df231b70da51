"""Sixty rules of 26 types, as a team would have them, each beside the SQL that a person would write for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

FORMATS = {
    "email": "^[^@ ]+@[^@ ]+$",
    "url": "^https?://[^ ]+$",
    "uuid": "^[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$",
    "ipv4": "^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$",
    "e164": "^[+][0-9]+$",
    "country_alpha2": "^(DE|US|FR|JP|GB|IT)$",
    "currency": "^(EUR|USD|GBP|JPY|CHF)$",
}


@dataclass(frozen=True)
class Rule:
    """By hand it is one of these: `violates`, the condition of a row; `value`, an aggregate; `query`, a SELECT of one number.
    `other_query` gives the same, and the faster of the two is taken. `answer`: what a value or a query gives, and how it is
    compared. `dbt` and `soda`: the rule as a test, or a check, of theirs."""

    table: str
    id: str
    type: str
    columns: tuple[str, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    where: str | None = None
    violates: str | None = None
    value: str | None = None
    query: str | None = None
    other_query: str | None = None
    answer: str = "failures"
    dbt: dict[str, Any] | None = None
    soda: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.table}.{self.id}"

    @property
    def alone(self) -> tuple[str, ...]:
        """The rule by hand: statements that each give the answer."""
        if self.query is not None:
            return (self.query,) if self.other_query is None else (self.query, self.other_query)
        if self.value is not None:
            return (f"select {self.value} from {self.table}",)
        return (f"select count(*) from {self.table} where {self.violates}",)


def _made(table: str, kind: str, *columns: str, suffix: str = "", **more: Any) -> Rule:
    by_hand = {
        name: more.pop(name)
        for name in ("where", "violates", "value", "query", "other_query", "answer", "dbt", "soda")
        if name in more
    }
    return Rule(table, "_".join((*columns, kind)) + suffix, kind, columns, more, **by_hand)


def not_null(table: str, column: str) -> Rule:
    return _made(table, "not_null", column, violates=f"{column} is null", dbt={"not_null": {}}, soda={"missing": {}})


def listed(table: str, column: str, *values: str) -> Rule:
    quoted = ", ".join(f"'{value}'" for value in values)
    return _made(
        table, "accepted_values", column, values=list(values), violates=f"{column} not in ({quoted})",
        dbt={"accepted_values": {"values": list(values)}}, soda={"invalid": {"valid_values": list(values)}},
    )  # fmt: skip


def between(table: str, column: str, low: Any, high: Any) -> Rule:
    return _made(table, "between", column, min=low, max=high, violates=f"{column} < '{low}' or {column} > '{high}'")


def pattern(table: str, column: str, regex: str) -> Rule:
    soda = {"invalid": {"valid_format": {"regex": regex, "name": "pattern"}}}
    return _made(table, "regex", column, pattern=regex, violates=f"{column} !~ '{regex}'", soda=soda)


def formatted(table: str, column: str, name: str) -> Rule:
    soda = {"invalid": {"valid_format": {"regex": FORMATS[name], "name": name}}}
    return _made(table, "format", column, format=name, violates=f"{column} !~ '{FORMATS[name]}'", soda=soda)


def unique(table: str, *columns: str) -> Rule:
    keys = ", ".join(columns)
    groups = f"select count(*) as times from {table} where ({keys}) is not null group by {keys} having count(*) > 1"
    grouped = f"select coalesce(sum(times - 1), 0) from ({groups}) again"
    if len(columns) > 1:
        return _made(table, "unique", *columns, query=grouped)
    counted = f"select count({keys}) - count(distinct {keys}) from {table}"
    return _made(table, "unique", *columns, query=counted, other_query=grouped, dbt={"unique": {}}, soda={"duplicate": {}})


def refers(table: str, column: str, other: str, key: str) -> Rule:
    found = f"exists (select from {other} o where o.{key} = t.{column})"
    query = f"select count(*) from {table} t where {column} is not null and not {found}"
    dbt = {"relationships": {"to": f"source('peers', '{other}')", "field": key}}
    return _made(table, "relationship", column, to_table=f"public.{other}", to_column=key, query=query, dbt=dbt)


def zscore(table: str, column: str, limit: int) -> Rule:
    moments = f"select avg({column}) as mean, stddev_samp({column}) as spread from {table}"
    query = f"select count(*) from {table}, ({moments}) moments where abs({column} - mean) > {limit} * spread"
    return _made(table, "outliers", column, method="zscore", limit=limit, query=query)


def iqr(table: str, column: str, limit: int) -> Rule:
    quartiles = f"select percentile_cont(array[0.25, 0.75]) within group (order by {column}) as q from {table}"
    outside = f"{column} < q[1] - {limit} * (q[2] - q[1]) or {column} > q[2] + {limit} * (q[2] - q[1])"
    query = f"select count(*) from {table}, ({quartiles}) quartiles where {outside}"
    return _made(table, "outliers", column, method="iqr", limit=limit, query=query)


def gapless(table: str, column: str, every: str) -> Rule:
    periods = f"select distinct date_trunc('{every}', {column}) as period from {table} where {column} <= now()"
    seconds = {"minute": 60, "hour": 3600, "day": 86400}[every]
    query = f"select extract(epoch from max(period) - min(period)) / {seconds} + 1 - count(*) from ({periods}) periods"
    return _made(table, "no_gaps", column, every="1m" if every == "minute" else every, query=query)


def distinct(table: str, column: str, *values: str) -> Rule:
    quoted = ", ".join(f"'{value}'" for value in values)
    found = f"select distinct {column} as v from {table} where {column} is not null"
    sums = f"count(*) filter (where v not in ({quoted})) + {len(values)} - count(*) filter (where v in ({quoted}))"
    return _made(table, "distinct_values", column, mode="equal", values=list(values), query=f"select {sums} from ({found}) found")


def most_common(table: str, column: str, *values: str) -> Rule:
    quoted = ", ".join(f"'{value}'" for value in values)
    first = f"select {column} as v from {table} where {column} is not null group by 1 order by count(*) desc limit 1"
    query = f"select count(*) filter (where v not in ({quoted})) from ({first}) first"
    return _made(table, "most_common_value", column, values=list(values), query=query, answer="holds")


def aggregate(table: str, column: str, function: str, maximum: float, **more: Any) -> Rule:
    value = {
        "median": f"percentile_cont(0.5) within group (order by {column})",
        "distinct_count": f"count(distinct {column})",
        "null_ratio": f"count(*) filter (where {column} is null)::numeric / count(*)",
    }.get(function, f"{function}({column})")
    by_hand = {"query": f"select {value} from {table}"} if function in ("median", "distinct_count") else {"value": value}
    return _made(
        table, "aggregate", column, suffix=f"_{function}", function=function, max=maximum, answer="measured", **by_hand, **more
    )


def fresh(table: str, column: str) -> Rule:
    newest = f"extract(epoch from now() - max({column}) filter (where {column} <= now()))"
    return _made(table, "freshness", column, max_age="100d", value=newest, answer="age")


def not_in_future(table: str, column: str) -> Rule:
    return _made(table, "not_in_future", column, violates=f"{column} > now()")


def compared(table: str, column: str, operator: str, other: str) -> Rule:
    return _made(table, "compare", column, operator=operator, other_column=other, violates=f"not ({column} {operator} {other})")


def ordered(table: str, column: str, by: str, partition: str | None = None) -> Rule:
    place = (f"partition by {partition} " if partition else "") + f"order by {by}"
    lagged = f"select {column} < lag({column}) over ({place}) as is_wrong from {table} where {column} is not null"
    query = f"select count(*) from ({lagged}) lagged where is_wrong"
    arguments = {"order_by": by} | ({"partition_by": partition} if partition else {})
    return _made(table, "monotonic", column, **arguments, query=query)


def row_count(table: str, minimum: int) -> Rule:
    return _made(table, "row_count", min=minimum, value="count(*)", answer="measured")


def correlated(table: str, column: str, other: str) -> Rule:
    value = f"corr({other}, {column}::double precision)"
    return _made(table, "correlation", column, other_column=other, min=0.5, value=value, answer="measured")


def quantiles(table: str, column: str, low: int, high: int) -> Rule:
    both = f"select percentile_cont(array[0.01, 0.99]) within group (order by {column}) as q from {table}"
    query = f"select (q[1] < {low})::integer + (q[2] > {high})::integer from ({both}) quantiles"
    bounds = [{"p": 0.01, "min": low}, {"p": 0.99, "max": high}]
    return _made(table, "quantiles", column, bounds=bounds, query=query, answer="measured")


RULES: Sequence[Rule] = (
    not_null("orders", "order_id"),
    unique("orders", "order_id"),
    not_null("orders", "customer_id"),
    refers("orders", "customer_id", "customers", "customer_id"),
    listed("orders", "status", "new", "paid", "packed", "shipped"),
    most_common("orders", "status", "paid", "shipped"),
    between("orders", "amount", 0, 5000),
    zscore("orders", "amount", 6),
    formatted("orders", "currency", "currency"),
    distinct("orders", "currency", "EUR", "USD", "GBP", "JPY", "CHF"),
    compared("orders", "shipped_at", ">=", "ordered_at"),
    not_in_future("orders", "ordered_at"),
    fresh("orders", "ordered_at"),
    gapless("orders", "ordered_at", "hour"),
    distinct("orders", "channel", "web", "app", "shop"),
    most_common("orders", "channel", "web", "app", "shop", "phone"),
    unique("customers", "customer_id"),
    unique("customers", "email"),
    formatted("customers", "email", "email"),
    _made("customers", "not_blank", "name", violates="name is null or name !~ '[^[:space:]]'"),
    formatted("customers", "phone", "e164"),
    formatted("customers", "country", "country_alpha2"),
    pattern("customers", "postcode", "^[0-9]{5}$"),
    listed("customers", "segment", "private", "business", "public"),
    between("customers", "born_on", "1900-01-01", "2020-01-01"),
    unique("products", "sku"),
    _made("products", "like", "sku", pattern="SKU-%", violates="sku not like 'SKU-%'"),
    _made("products", "length", "name", min=3, max=80, violates="length(name) < 3 or length(name) > 80"),
    _made("products", "rejected_values", "category", values=["test", "dummy"], violates="category in ('test', 'dummy')"),
    formatted("products", "url", "url"),
    aggregate("products", "price", "max", 600),
    correlated("products", "price", "weight"),
    not_null("events", "session_id"),
    formatted("events", "session_id", "uuid"),
    formatted("events", "ip", "ipv4"),
    listed("events", "kind", "view", "click", "cart", "buy", "search", "login"),
    pattern("events", "path", "^/[a-z]+/[0-9]+$"),
    ordered("events", "at", "event_id"),
    aggregate("events", "customer_id", "null_ratio", 0.9),
    aggregate("events", "customer_id", "distinct_count", 10**7),
    refers("payments", "order_id", "orders", "order_id"),
    listed("payments", "method", "card", "invoice", "paypal"),
    pattern("payments", "iban", "^[A-Z]{2}[0-9]{20}$"),
    _made("payments", "max_lag", "paid_at", other_column="booked_at", at_most="7d", violates="booked_at - paid_at > '7 days'"),
    _made("payments", "expression", sql="fee <= amount * 0.05", violates="not (fee <= amount * 0.05)"),
    iqr("payments", "amount", 3),
    row_count("payments", 100),
    refers("shipments", "order_id", "orders", "order_id"),
    listed("shipments", "carrier", "dhl", "ups", "fedex"),
    pattern("shipments", "tracking", "^[0-9A-F]{12}$"),
    aggregate("shipments", "weight", "median", 100),
    gapless("readings", "at", "minute"),
    zscore("readings", "value", 8),
    ordered("readings", "total", "at", "sensor"),
    between("readings", "value", -50, 100),
    _made("readings", "is_null", "quality", where="value > 500", violates="value > 500 and quality is not null"),
    refers("inventory", "product_id", "products", "product_id"),
    unique("inventory", "product_id", "warehouse"),
    gapless("inventory", "counted_on", "day"),
    quantiles("inventory", "quantity", -5, 600),
)  # fmt: skip
