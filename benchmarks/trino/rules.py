"""The rules about TPC-H's lineitem, and the condition that counts their faulty rows by hand. Most have some."""

from dataclasses import dataclass, field
from typing import Any

MODES = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP"]  # of seven: not TRUCK


@dataclass(frozen=True)
class Rule:
    """`by_hand`: true for a faulty row."""

    id: str
    type: str
    columns: tuple[str, ...]
    by_hand: str
    arguments: dict[str, Any] = field(default_factory=dict)


def _listed(values: list[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


RULES = (
    *(Rule(f"{name}_there", "not_null", (name,), f"{name} is null") for name in ("orderkey", "partkey", "shipdate", "comment")),
    Rule("quantity", "between", ("quantity",), "quantity < 2 or quantity > 49", {"min": 2, "max": 49}),
    Rule("discount", "between", ("discount",), "discount < 0 or discount > 0.09", {"min": 0, "max": 0.09}),
    Rule("tax", "between", ("tax",), "tax < 0.01", {"min": 0.01}),
    Rule("price", "between", ("extendedprice",), "extendedprice > 100000", {"max": 100_000}),
    Rule(
        "shipped", "between", ("shipdate",),
        "shipdate < date '1992-01-10' or shipdate > date '1998-11-20'", {"min": "1992-01-10", "max": "1998-11-20"},
    ),
    Rule("flag", "accepted_values", ("returnflag",), "returnflag not in ('A', 'R')", {"values": ["A", "R"]}),
    Rule("status", "accepted_values", ("linestatus",), "linestatus not in ('F', 'O')", {"values": ["F", "O"]}),
    Rule("mode", "accepted_values", ("shipmode",), f"shipmode not in ({_listed(MODES)})", {"values": MODES}),
    Rule("instruct", "rejected_values", ("shipinstruct",), "shipinstruct in ('NONE')", {"values": ["NONE"]}),
    Rule("received", "compare", ("receiptdate",), "not receiptdate > shipdate", {"operator": ">", "other_column": "shipdate"}),
    Rule(
        "in_time", "compare", ("receiptdate",),
        "not receiptdate <= commitdate", {"operator": "<=", "other_column": "commitdate"},
    ),
    Rule("text", "like", ("comment",), "not comment like '%e%'", {"pattern": "%e%"}),
    Rule("words", "regex", ("comment",), "not regexp_like(comment, '^[A-Za-z]')", {"pattern": "^[A-Za-z]"}),
    Rule("long_enough", "length", ("comment",), "length(comment) < 12 or length(comment) > 42", {"min": 12, "max": 42}),
    Rule("per_piece", "expression", (), "not (extendedprice / quantity >= 901)", {"sql": "extendedprice / quantity >= 901"}),
    Rule("line", "expression", (), "not (linenumber <= 6 and suppkey > 0)", {"sql": "linenumber <= 6 and suppkey > 0"}),
)  # fmt: skip
