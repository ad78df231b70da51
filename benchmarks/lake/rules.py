"""The rules, in the words of each way. Every one of them has a few faulty rows."""

from dataclasses import dataclass, field
from typing import Any

STATUSES = ["open", "paid", "sent", "returned"]
CUSTOMERS = 200_000


@dataclass(frozen=True)
class Rule:
    """`by_hand`: what counts the faulty rows in one scan; a statement if it begins with `select`. `dbt` and `soda`: what they
    call it, None where they have no words for it."""

    id: str
    type: str
    columns: tuple[str, ...]
    by_hand: str
    arguments: dict[str, Any] = field(default_factory=dict)
    dbt: dict[str, Any] | None = None
    soda: dict[str, Any] | None = None


RULES = (
    Rule("key", "not_null", ("order_id",), "order_id is null", {}, {"not_null": {}}, {"missing": {}}),
    Rule(
        "unique", "unique", ("order_id",),
        "select count(order_id) - count(distinct order_id) from {orders}",
        {}, {"unique": {}}, {"duplicate": {}},
    ),
    Rule(
        "status", "accepted_values", ("status",),
        "status not in ('open', 'paid', 'sent', 'returned')",
        {"values": STATUSES}, {"accepted_values": {"values": STATUSES}}, {"invalid": {"valid_values": STATUSES}},
    ),
    Rule(
        "customer", "relationship", ("customer_id",),
        "select count(*) from {orders} as o where customer_id is not null"
        " and not exists (select 1 from {customers} as c where c.customer_id = o.customer_id)",
        {"to_table": "sales.customers", "to_column": "customer_id"},
        {"relationships": {"to": "source('sales', 'customers')", "field": "customer_id"}},
    ),
    Rule(
        "price", "between", ("price",), "price < 0 or price > 1000",
        {"min": 0, "max": 1000}, None, {"invalid": {"valid_min": 0, "valid_max": 1000}},
    ),
    Rule(
        "currency", "regex", ("currency",), "not regexp_full_match(currency, '[A-Z]{{3}}')",
        {"pattern": "^[A-Z]{3}$"}, None, {"invalid": {"valid_format": {"regex": "^[A-Z]{3}$", "name": "currency"}}},
    ),
    Rule("email", "like", ("email",), "email not like '%@%'", {"pattern": "%@%"}),
    Rule("sent", "compare", ("sent_at",), "not sent_at >= ordered_at", {"operator": ">=", "other_column": "ordered_at"}),
    Rule("past", "not_in_future", ("ordered_at",), "ordered_at > now()::timestamp"),
    Rule("total", "expression", (), "not (total = price * quantity)", {"sql": "total = price * quantity"}),
)  # fmt: skip
