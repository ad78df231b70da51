"""Imported contracts beside datacontract-cli on the same data, and exports by ODCS's own JSON Schema."""

from pathlib import Path

import pytest
import yaml

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.odcs.reading import read
from stringx_dataops.exchange.odcs.writing import write
from tests.exchange.dbt_uses import SCHEMAS, TABLES
from tests.exchange.tools import connection_of, tool_of, tools_folder
from tests.support.databases import Admin, Target, make_target
from tests.support.engine import CATALOGUE, Engine
from tests.support.exchange import checked
from tests.unit.test_exchange_odcs import examples

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Target:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    admin.run(f"grant create on database {made.dbname} to {made.dbname}_loader")
    for schema, (rows, customers) in SCHEMAS.items():
        made.execute(TABLES.format(schema=schema, rows=rows, customers=customers, reader=made.user))
    return made


def test_exports_are_valid_by_the_schema_of_the_standard(request: pytest.FixtureRequest) -> None:
    (text,) = write([examples()], CATALOGUE).files.values()
    assert tool_of("odcs31", tools_folder(request)).run("odcs_schema", [text]) == [[]]


# What a contract says of one column of the table, or of the table if there is no column.
CASES: list[tuple[str | None, JsonObject]] = [
    ("id", {"required": True}),
    ("id", {"unique": True}),
    ("customer_id", {"primaryKey": True}),
    ("code", {"logicalType": "string", "logicalTypeOptions": {"minLength": 2}}),
    ("code", {"logicalType": "string", "logicalTypeOptions": {"maxLength": 1, "pattern": "^[A-Z]$"}}),
    ("email", {"logicalType": "string", "logicalTypeOptions": {"pattern": "@x"}}),
    ("price", {"logicalType": "number", "logicalTypeOptions": {"minimum": 0, "maximum": 50}}),
    ("id", {"logicalType": "integer", "logicalTypeOptions": {"exclusiveMinimum": 1}}),
    ("id", {"logicalType": "integer", "logicalTypeOptions": {"exclusiveMaximum": 2}}),
    ("day", {"logicalType": "date", "logicalTypeOptions": {"maximum": "2026-12-31"}}),
    ("customer_id", {"relationships": [{"to": "customers.id"}]}),
    ("code", {"quality": [{"metric": "nullValues", "mustBe": 0}]}),
    ("code", {"quality": [{"metric": "nullValues", "mustBeLessThan": 3}]}),
    ("code", {"quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 2, "severity": "warning"}]}),
    ("code", {"quality": [{"metric": "nullValues", "mustBeLessThan": 2, "severity": "info"}]}),
    ("code", {"quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 30, "unit": "percent"}]}),
    ("code", {"quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 40, "unit": "percent"}]}),
    ("email", {"quality": [{"metric": "missingValues", "arguments": {"missingValues": ["", None]}, "mustBeLessOrEqualTo": 1}]}),
    ("email", {"quality": [{"metric": "missingValues", "arguments": {"missingValues": ["", None]}, "mustBeLessOrEqualTo": 2}]}),
    ("code", {"quality": [{"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBe": 0}]}),
    ("code", {"quality": [{"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBeLessThan": 4}]}),
    ("code", {"quality": [{"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBeLessOrEqualTo": 50, "unit": "percent"}]}),
    ("code", {"quality": [{"metric": "invalidValues", "arguments": {"pattern": "^[AB]$"}, "mustBeBetween": [0, 3]}]}),
    ("id", {"quality": [{"metric": "duplicateValues", "mustBe": 0}]}),
    ("id", {"quality": [{"type": "sql", "query": "select count(*) from ${table} where ${column} > 1", "mustBeLessThan": 2}]}),
    ("price", {"quality": [{"type": "sql", "query": "select max({column}) from {model}", "mustBeBetween": [1, 50]}]}),
    (None, {"quality": [{"type": "sql", "query": "select min(id) from ${object}", "mustNotBe": 1, "severity": "warn"}]}),
    (None, {"quality": [{"metric": "rowCount", "mustBeGreaterThan": 4}]}),
    (None, {"quality": [{"metric": "rowCount", "mustBeBetween": [4, 6]}]}),
    (None, {"quality": [{"metric": "rowCount", "mustBe": 0}]}),
    (None, {"quality": [{"metric": "duplicateValues", "arguments": {"properties": ["id", "code"]}, "mustBe": 0}]}),
]  # fmt: skip
STRUCTURE = ("field_is_present", "field_type", "field_physical_type")  # rules have other words for these
LOGICAL = {"id": "integer", "customer_id": "integer", "code": "string", "email": "string", "price": "number", "day": "date"}
WORST = ["fail", "error", "warn", "pass"]
SAME = {"passed": "pass", "failed": "fail", "warning": "warn"}


def contract(number: int, schema: str, target: Target) -> str:
    column, said = CASES[number]
    columns = ["id", "code", column] if column is None else ["id", "code"] if column in ("id", "code") else ["id", "code", column]
    properties = [
        {"name": name, "logicalType": LOGICAL[name], **(said if name == column else {})}
        for name in dict.fromkeys(columns)
        if name
    ]
    server = {
        "server": "s",
        "type": "postgres",
        "host": target.host,
        "port": target.port,
        "database": target.dbname,
        "schema": schema,
    }
    orders = {"name": "orders", "properties": properties, **(said if column is None else {})}
    value = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": f"case-{number}", "version": "1.0.0", "status": "active", "servers": [server],
        "schema": [orders, {"name": "customers", "properties": [{"name": "id", "logicalType": "integer"}]}],
    }  # fmt: skip
    return yaml.safe_dump(value, sort_keys=False)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_imported_checks_say_what_datacontract_cli_says(
    request: pytest.FixtureRequest, data: Target, engine: Engine, tmp_path: Path, schema: str
) -> None:
    texts = [contract(number, schema, data) for number in range(len(CASES))]
    assert tool_of("odcs31", tools_folder(request)).run("odcs_schema", texts) == [[]] * len(CASES)
    who = {name: value for name, value in connection_of(data).items() if name in ("user", "password")}
    answers = tool_of("odcs", tools_folder(request)).run("odcs", {"contracts": texts, **who})
    ours, theirs = {}, {}
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        taken = read([file], "shop", CATALOGUE)
        assert taken.losses == []
        found = [rule for rules in checked(engine, data, taken.documents).values() for rule in rules.values()]
        # a rule may be two checks there, one for each bound
        ours[number] = min((rule["status"] for rule in found), key=WORST.index)
        theirs[number] = min((SAME[each["result"]] for each in answer if each["type"] not in STRUCTURE), key=WORST.index)
    assert ours == theirs, {number: answers[number] for number in ours if ours[number] != theirs[number]}
