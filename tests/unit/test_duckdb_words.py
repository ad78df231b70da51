"""Words in place of DuckDB's that mislead, about real files."""

from pathlib import Path

import duckdb
import pytest

from api.engine.duckdb_words import of_databases, words_for


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = f"{tmp_path}/a.parquet"
    duckdb.execute(f"copy (select range as a from range(10000)) to '{path}' (format parquet)")
    return path


def refused(connection: duckdb.DuckDBPyConnection, query: str, files: list[str]) -> str | None:
    with pytest.raises(duckdb.Error) as error:
        connection.execute(query).fetchall()
    return words_for(str(error.value), files)


def locked(file: str, *allowed: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"create view v as from read_parquet(['{file}'])")
    connection.execute(f"set allowed_paths = {list(allowed)}")
    connection.execute("set enable_external_access = false")
    return connection


def damage(file: str) -> None:
    """Zeros in a block of rows."""
    whole = Path(file).read_bytes()
    Path(file).write_bytes(whole[:274_432] + bytes(262_144) + whole[274_432 + 262_144 :])


def test_a_file_that_is_gone_is_said_to_be(file: str) -> None:
    with locked(file, file) as connection:
        Path(file).unlink()
        assert (
            refused(connection, "from v", [file]) == f"{file} was removed while it was read; check again when its writer is done"
        )


def test_a_view_of_a_file_that_is_not_named_says_where_to_name_it(file: str) -> None:
    with locked(file) as connection:
        words = f"a view reads {file}, which the target does not let it; add its folder to allow_paths"
        assert refused(connection, "from v", []) == words


@pytest.mark.parametrize(("size", "words"), [(5, "too small for a file of Parquet"), (1000, "does not end as a file of Parquet")])
def test_a_file_of_parquet_that_is_cut_off_is_to_be_written_again(file: str, size: int, words: str) -> None:
    Path(file).write_bytes(Path(file).read_bytes()[:size])
    with duckdb.connect() as connection:
        found = refused(connection, f"from read_parquet('{file}')", [file])
    assert found is not None
    assert found.startswith(f"{file} is damaged or incomplete, as it ")
    assert found.endswith(f"{words}; write it again")


def test_other_errors_keep_their_words() -> None:
    assert words_for('Binder Error: Referenced column "x" not found in FROM clause!', []) is None


@pytest.mark.parametrize(
    "value",
    [
        'Failed to read file "DE44 5001"',
        "No magic bytes found at end of file 'Ada'",
        'Could not read enough bytes from file "Ada"',
        'Cannot access file "Ada" - file system operations are disabled by configuration',
    ],
)
def test_a_value_of_a_row_is_not_taken_for_duckdbs_words(value: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t as select ? as x", [value])
        for query in ("select cast(x as integer) from t", "select strptime(x, '%Y') from t"):
            assert refused(connection, query, []) is None


def test_a_damaged_block_names_the_database_file_that_has_it(tmp_path: Path) -> None:
    """DuckDB names none. The block is found when it is read: the file can be opened."""
    files = [f"{tmp_path}/{name}.duckdb" for name in ("whole", 'a "dam"aged', "small")]
    for file, rows in zip(files, (200_000, 200_000, 1), strict=True):
        with duckdb.connect(file) as connection:
            connection.execute(
                f"create table t as select range as id, random() as r, md5(range::varchar) as s from range({rows})"
            )
    damage(files[1])
    with duckdb.connect() as connection:
        connection.execute(f"attach '{files[1]}' as ref (type duckdb, read_only)")
        with pytest.raises(duckdb.Error) as error:
            connection.execute("select sum(r), sum(id), sum(length(s)) from ref.t").fetchall()
    said = "a database file of the target is damaged; write it again, or put a whole copy in place: "
    assert of_databases(str(error.value), files) == said + files[1]
    assert of_databases(f"FATAL Error: Failed: database has been invalidated: {error.value}", files) == said + files[1]
    Path(files[1]).unlink()
    assert of_databases(str(error.value), files) == said + ", ".join(files), "which one cannot be told any more"
    assert of_databases(f"Conversion Error: Could not convert string '{error.value}'", files) is None
    assert of_databases("IO Error: No space left", files) is None
