"""The table that is checked, its 20 rules, and the same as native dbt tests."""

import json
from typing import Any

SMALL = [f"s{number}" for number in range(1, 9)]  # values 0 to 9
COLUMNS = ["id", "code", *SMALL]
TABLE = (
    "create table {name} as select n as id, md5(n::text) as code, "
    + ", ".join(f"(n * {number}) % 10 as {column}" for number, column in enumerate(SMALL, 1))
    + " from generate_series(1, 100) n"
)
VALUES = list(range(10))


def rules() -> list[dict[str, Any]]:
    values = {"values": VALUES}
    present = [{"id": f"{column}_present", "type": "not_null", "column": column} for column in COLUMNS]
    unique = [{"id": f"{column}_unique", "type": "unique", "column": column} for column in COLUMNS[:2]]
    known = [{"id": f"{column}_known", "type": "accepted_values", "column": column, "arguments": values} for column in SMALL]
    return present + unique + known


def source(name: str) -> dict[str, Any]:
    """A table of a source's YAML with the rules as tests that dbt brings."""
    columns = []
    for column in COLUMNS:
        tests: list[Any] = ["not_null"]
        if column in SMALL:
            tests.append({"accepted_values": {"arguments": {"values": VALUES, "quote": False}}})
        else:
            tests.append("unique")
        columns.append({"name": column, "data_tests": tests})
    return {"name": name, "columns": columns}


def document(table: str, description: str = "") -> str:
    """A configuration document as a person writes it."""
    head = f"apiVersion: stringx/v1\ntarget: shop\ntable: {table}\ndescription: {json.dumps(description)}\nrules:\n"
    return head + "".join(f"  - {json.dumps(rule)}\n" for rule in rules())
