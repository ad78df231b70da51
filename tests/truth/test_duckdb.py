"""The gate test's answers on DuckDB against the same independent computation as those on PostgreSQL, on the same made-up tables."""

import json
from datetime import datetime
from zlib import crc32

import pytest

from stringx_dataops.contract.documents.names import parts_of_table
from stringx_dataops.contract.gate_test.specification import Specification
from tests.support.duckdb_target import DuckdbFiles
from tests.truth.cases import SCHEMAS, Case
from tests.truth.elsewhere import DraftOfKinds, Elsewhere, Outcome, is_between_infinities
from tests.truth.kinds import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    MONEY,
    MOOD,
    PLAIN_JSON,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
)
from tests.truth.tables import quoted

KINDS = (
    INTEGER, BIGINT, SMALLINT, MONEY, REAL, DOUBLE, TEXT, VARCHAR, BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ, TIME, UUID, MOOD, PLAIN_JSON,
)  # fmt: skip


def naming(spec: Specification, *database: str) -> Specification:
    """With the further tables of rules in a database, or in the target's own, as DuckDB's documents name those with a dot."""
    for each in (each for table in spec["tables"] for each in table["rules"]):
        for name in {"to_table", "other_table"}.intersection(each["arguments"]):
            parts = [*database, *parts_of_table(each["arguments"][name])]
            each["arguments"] = each["arguments"] | {name: ".".join(map(quoted, parts))}
            each["relations"] = [parts]
    return spec


class DuckdbDraft(DraftOfKinds):
    kinds = frozenset(kind.name for kind in KINDS)


@pytest.fixture
def on_duckdb(files: DuckdbFiles, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    def ask(case: Case, spec: Specification) -> Outcome:
        """Of the case's table in a new file. For every other case the further tables of its rules are those of another file, and
        those of this one are empty."""
        schemas = [f"create schema {quoted(schema)}" for schema in SCHEMAS]
        types = f"""create type {MOOD.sql} as enum ('sad', 'ok', 'very happy', 'it''s'); create type pair as struct(n integer, t varchar);
        create type small as integer"""
        made = [*schemas, types, case.ddl]
        if crc32(case.ddl.encode()) % 2:  # by the case, so that a failing one is replayed as it was
            emptied = [f"delete from {table.relation}" for table in case.others]
            answer = files.answer(files.file(*made, *emptied), naming(spec, "elsewhere"), elsewhere=files.file(*made))
        else:
            answer = files.answer(files.file(*made), naming(spec))
        assert answer.outcome is not None, answer.message
        outcome = json.loads(answer.outcome)
        return outcome["tables"][0], datetime.fromisoformat(outcome["snapshot_at"])

    found = Elsewhere("duckdb", DuckdbDraft, "on DuckDB ", ask, is_known=is_between_infinities)
    found.use(monkeypatch)
    return found


@pytest.mark.timeout(600)
def test_duckdb_says_what_is_true(on_duckdb: Elsewhere, request: pytest.FixtureRequest) -> None:
    on_duckdb.says_what_is_true(request)


@pytest.mark.timeout(600)
def test_duckdb_decides_each_group_as_if_its_rows_were_the_table(on_duckdb: Elsewhere, request: pytest.FixtureRequest) -> None:
    on_duckdb.decides_each_group(request)
