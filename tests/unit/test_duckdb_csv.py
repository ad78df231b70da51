"""Files of CSV as DuckDB reads them for a check: strictly, with the types that the target lists."""

import gzip
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from api.engine import duckdb_csv, duckdb_statements
from tests.unit.test_duckdb_access import opened, tables

COLUMNS = {"x": "bigint", "y": "text"}


def location(*files: Path, columns: dict[str, str] = COLUMNS, delimiter: str = ",", null_text: str = "") -> dict[str, Any]:
    named = {"columns": columns, "delimiter": delimiter, "null_text": null_text}
    return {"format": "csv", "files": [str(file) for file in files]} | named


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reason(error: duckdb.Error) -> str | None:
    """What the result of a check says of it."""
    found = duckdb_statements._fault(error)
    return found["message"] if found["sqlstate"] == "SX001" else None


READ = [
    ("bigint", "05", 5),
    ("bigint", "+5", 5),
    ("bigint", "", None),
    ("smallint", "-32768", -32768),
    ("decimal(10,2)", "12345678.12", Decimal("12345678.12")),
    ("decimal(10,2)", "5.5000", Decimal("5.50")),
    ("decimal(2,2)", "0.55", Decimal("0.55")),
    ("decimal(5,0)", "12", Decimal(12)),
    ("double", "1e3", 1000.0),
    ("double", "-0e5", 0.0),
    ("double", "", None),
    ("text", "", None),
    ("text", '""', None),
    ("double", "-Infinity", float("-inf")),
    ("boolean", "TRUE", True),
    ("text", " a ", " a "),
    ("text", '"a,""b"', 'a,"b'),
    ("text", '"two\nlines"', "two\nlines"),
]
WRONG = [
    ("bigint", "5.5"), ("bigint", "1e3"), ("bigint", "0x10"), ("bigint", " 5"), ("bigint", "1_000"), ("bigint", "99999999999999999999"),
    ("smallint", "32768"), ("decimal(10,2)", "5.555"), ("decimal(10,2)", "1e2"), ("decimal(10,2)", "123456789"), ("decimal(2,2)", "1.0"),
    ("decimal(5,0)", "1.0"), ("double", "1e400"), ("double", "inf"), ("boolean", "t"), ("boolean", "1"), ("date", "2026-1-3"),
    ("double", "1e-400"), ("date", "0000-01-01"), ("timestamptz", "2026-01-31 10:00+25:00"), ("timestamptz", "2026-01-31 10:00+01:75"),
    ("date", "2026-02-30"), ("date", "2026-01-31 10:00:00"), ("date", "31/01/2026"), ("date", "infinity"), ("timestamp", "2026-01-31"),
    ("timestamp", "2026-01-31 10:00:00Z"), ("timestamptz", "2026-01-31 10:00:00"), ("time", "25:00"), ("uuid", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "text", "value"), READ)
def test_a_text_is_read_as_its_columns_type(tmp_path: Path, type_name: str, text: str, value: Any) -> None:
    file = written(tmp_path / "a.csv", f"x,y\n{text},1\n")
    with opened(":memory:", tmp_path, locations={"s.t": location(file, columns={"x": type_name, "y": "text"})}) as connection:
        assert tables(connection) == {}
        assert connection.execute("select x from s.t").fetchall() == [(value,)]


@pytest.mark.parametrize(("type_name", "text"), WRONG)
def test_a_text_that_is_no_value_of_its_type_is_an_error_of_its_column_alone(tmp_path: Path, type_name: str, text: str) -> None:
    file = written(tmp_path / "a.csv", f"x,y\n{text},1\n")
    with opened(":memory:", tmp_path, locations={"s.t": location(file, columns={"x": type_name, "y": "text"})}) as connection:
        for query in (
            "select x from s.t",
            "select count(*) from s.t where x is null",
            "select count(*) filter (where x > x) from s.t",
        ):
            with pytest.raises(duckdb.Error) as refused:
                connection.execute(query).fetchall()
            assert reason(refused.value) == f"column x holds a text that is no {type_name}"
        assert connection.execute("select y from s.t").fetchall() == [("1",)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x,y\n1,2\n3\n", "line 3 of {file} cannot be read as CSV: Expected Number of Columns: 2 Found: 1"),
        ("x,y\n1,2,3\n", "line 2 of {file} cannot be read as CSV: Expected Number of Columns: 2 Found: 3"),
        ("x,y\n1,2,\n", "line 2 of {file} cannot be read as CSV: Expected Number of Columns: 2 Found: 3"),
        ('x,y\n1,2,"",,\n', "line 2 of {file} cannot be read as CSV: Expected Number of Columns: 2 Found: "),
        ('x,y\n1,"2\n3,4\n', "line 2 of {file} cannot be read as CSV: Value with unterminated quote found."),
        (
            f"x,y\n1,{'z' * 3_000_000}\n",
            "line 2 of {file} cannot be read as CSV: the line is too long; DuckDB reads 2000000 bytes per line",
        ),
        (
            "x,y\n1,2\r\n3,4\n",
            "{file} cannot be read as CSV: its line ends are of several kinds; end each line with LF, or each with CRLF",
        ),
        (b"x,y\n1,\xff\n", "line 2 of {file} cannot be read as CSV: Invalid unicode"),
    ],
)
def test_a_broken_line_is_named_whatever_is_asked_and_not_shown(tmp_path: Path, content: bytes | str, words: str) -> None:
    file = written(tmp_path / "a.csv", content)
    with opened(":memory:", tmp_path, locations={"s.t": location(file)}) as connection:
        of_y = isinstance(content, bytes)  # what is in a column matters to those who read it
        for asked in ("count(y)",) if of_y else ("count(*)", "count(x)", "count(y)"):
            with pytest.raises(duckdb.Error) as refused:
                connection.execute(f"select {asked} from s.t").fetchall()
            assert (reason(refused.value) or "").startswith(words.format(file=file))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x\n1\n", "the first line of {file} lacks the column y"),
        ("x,y,z\n1,2,3\n", "the first line of {file} has something else than a listed column at place 3"),
        ("X,y\n1,2\n", "the first line of {file} lacks the column x; it has something else at place 1"),
        ("x,Y\n1,2\n", "the first line of {file} lacks the column y; it has something else at place 2"),
        ("x,y,x\n1,2,3\n", "the first line of {file} has the column x twice"),
        ("x;y\n1;2\n", "the first line of {file} is one text, without the delimiter ,; correct delimiter, or the file"),
        ('"x";"y"\n1;2\n', "the first line of {file} has signs between a quote and the delimiter ,"),
        ('"x" , y\n1,2\n', "the first line of {file} has signs between a quote and the delimiter ,"),
        ("x,y\r1,2\r", "{file} ends its lines with CR alone; end each with LF, or each with CRLF"),
        ("\nx,y\n1,2\n", "the first line of {file} lacks the column x"),
        ("", "the first line of {file} lacks the column x"),
        (b"\xff,y\n", "the first line of {file} is not in UTF-8"),
    ],
)
def test_a_header_that_is_not_as_the_columns_are_listed(tmp_path: Path, content: bytes | str, words: str) -> None:
    good, bad = written(tmp_path / "a.csv", "x,y\n1,2\n"), written(tmp_path / "b.csv", content)
    with opened(":memory:", tmp_path, locations={"s.t": location(good, bad), "s.good": location(good)}) as connection:
        assert tables(connection)["s.t"].startswith(words.format(file=bad))
        assert connection.execute("from s.good").fetchall() == [(1, "2")]


def test_a_line_of_the_file_is_taken_for_no_part_of_the_message(tmp_path: Path) -> None:
    secret = "Value with unterminated quote: SECRET"
    file = written(tmp_path / "a.csv", f'x,y\n1,"2\n{secret}\n  file = SECRET\n')
    with opened(":memory:", tmp_path, locations={"s.t": location(file)}) as connection:
        with pytest.raises(duckdb.Error) as refused:
            connection.execute("select count(*) from s.t").fetchall()
        assert secret in str(refused.value)
        assert reason(refused.value) == f"line 2 of {file} cannot be read as CSV: Value with unterminated quote found."


def test_how_files_may_be_written(tmp_path: Path) -> None:
    plain = written(tmp_path / "a.csv", b"\xef\xbb\xbfx;y\r\n1;\r\n2;NULL\r\n\r\n3;'z'")
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(b"y;x\nd;4\n"))  # in an order of its own
    both = location(plain, packed, delimiter=";", null_text="NULL")
    with opened(":memory:", tmp_path, locations={"s.t": both}) as connection:
        assert tables(connection) == {}
        assert connection.execute("from s.t order by x").fetchall() == [(1, ""), (2, None), (3, "'z'"), (4, "d")]


def test_a_damaged_archive_is_not_read(tmp_path: Path) -> None:
    packed = gzip.compress(b"x,y\n1,2\n3,4\n", compresslevel=0)
    damaged = tmp_path / "a.csv.gz"
    damaged.write_bytes(packed.replace(b"3,4", b"3,5"))
    with opened(":memory:", tmp_path, locations={"s.t": location(damaged)}) as connection:
        assert tables(connection) == {"s.t": f"{damaged} cannot be read: it is damaged"}


def test_names_and_texts_are_quoted(tmp_path: Path) -> None:
    name, text = 'it\'s "x"', "d'x"
    quoted = name.replace('"', '""')
    file = written(tmp_path / "it's a.csv", f'"{quoted}"|y\n1|{text}\n')
    columns = {name: "bigint", "y": "text"}
    with opened(
        ":memory:", tmp_path, locations={"s.t": location(file, columns=columns, delimiter="|", null_text="x y")}
    ) as connection:
        assert tables(connection) == {}
        assert connection.execute("from s.t").fetchall() == [(1, text)]


@dataclass
class Reading:
    """The adapter's methods of a check, on a connection that is open."""

    connection: duckdb.DuckDBPyConnection

    @property
    def adapter(self) -> Any:
        thread = SimpleNamespace(handle=self.connection)
        return SimpleNamespace(connections=SimpleNamespace(get_thread_connection=lambda: thread))

    def begin(self) -> None:
        duckdb_statements.stringx_begin(self.adapter, 60_000)

    def changed(self) -> bool:
        return duckdb_statements.stringx_files_changed(self.adapter)

    def answer(self, sql: str) -> Any:
        [found] = duckdb_statements.stringx_answers(self.adapter, [{"sql": sql}])
        return found


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_is_replaced_is_looked_at_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(duckdb_statements, "_bound_memory", lambda: None)  # it would hold for all tests of this process
    file = tmp_path / f"a.{kind}"

    def replace(a: int, b: int, order: str) -> None:
        new = tmp_path / "new"
        duckdb.sql(f"copy (select {order} from (select {a} as a, {b} as b)) to '{new}' (format {kind})")
        new.replace(file)

    replace(1, 2, "a, b")
    columns = {"a": "bigint", "b": "bigint"}
    read = location(file, columns=columns) if kind == "csv" else {"format": "parquet", "files": [str(file)]}
    monkeypatch.setenv("STRINGX_TARGET_READS", json.dumps({"locations": {"s.t": read}}))
    with opened(":memory:", tmp_path, locations={"s.t": read}) as connection:
        reading = Reading(connection)
        reading.begin()
        assert (reading.answer("select count(*)::varchar from s.t where a < b"), reading.changed()) == ("1", False)
        replace(4, 3, "b, a")
        assert reading.changed()
        reading.begin()
        assert (reading.answer("select count(*)::varchar from s.t where a < b"), reading.changed()) == ("0", False)
        replace(1, 2, "b")
        assert reading.changed()
        reading.begin()
        assert isinstance(reading.answer("select count(*)::varchar from s.t where a < b"), dict)
        assert ("s.t" in tables(connection)) == (kind == "csv")
        file.unlink()
        assert reading.changed()
        reading.begin()
        assert reading.changed(), "what cannot be looked at is never as it was"


def test_the_columns_are_in_the_order_of_the_first_file(tmp_path: Path) -> None:
    """That of the document is not kept where it is stored."""
    first, second = written(tmp_path / "1.csv", "y,x\na,1\n"), written(tmp_path / "2.csv", "x,y\n2,b\n")
    for files, order in (((first, second), ["y", "x"]), ((second, first), ["x", "y"])):
        found = duckdb.execute(duckdb_csv.query(location(*files)))
        assert [column[0] for column in found.description] == order
        rows = [dict(zip(order, row, strict=True)) for row in found.fetchall()]
        assert sorted(rows, key=lambda row: row["x"]) == [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]
