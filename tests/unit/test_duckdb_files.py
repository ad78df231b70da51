"""Which files of a machine a target of DuckDB reads: what the document may name, and what the workers make of it."""

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from api.targets.duckdb import errors, files
from api.targets.engine import Machine, TargetUnusable
from api.targets.registry import engine_of
from stringx_dataops.contract.documents.engines.duckdb import DuckdbTarget
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.variables import SettingsError

CSV = {"files": "/d/*.csv", "columns": {"a": "bigint", "b": "text"}}
HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "lake", "adapter": "duckdb"}


def target(**fields: Any) -> DuckdbTarget:
    made = parse_target(HEAD | fields)
    assert isinstance(made, DuckdbTarget)
    return made


def faults(**fields: Any) -> str:
    with pytest.raises(Invalid) as refused:
        parse_target(HEAD | fields)
    return "\n".join(f"{error.pointer} {error.message}" for error in refused.value.errors)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Files of targets below `lake`; the service's own below `home`, which lies in `lake` so that only a rule keeps them apart."""
    for name in ("lake/orders/a.parquet", "lake/orders/b.parquet", "lake/home/secrets/password.parquet", "outside/c.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    home = tmp_path / "lake" / "home"
    return Machine(home / "secrets", readable=(tmp_path / "lake",), private=(home, home / "secrets"), scratch=home / "run")


def unusable(machine: Machine, **fields: Any) -> str:
    with pytest.raises(TargetUnusable) as refused:
        files.find(target(**fields), machine)
    assert "\n" not in refused.value.detail
    return refused.value.detail


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "names no data: give the path of a database file, or files by their tables: of Parquet under locations, of CSV under csv_locations"),
        ({"locations": {"a.b": "x.parquet"}}, "/locations/a.b is no absolute path; begin with /, such as /data/orders/*.parquet, or with s3://"),
        ({"csv_locations": {"a.b": "/d/x.csv"}}, "/csv_locations/a.b must be an object, such as {files: /data/orders/*.csv, columns: {id:"),
        ({"csv_locations": "/d/x.csv"}, "/csv_locations must be an object, such as {shop.orders: {files: /data/orders/*.csv, columns: {id:"),
        ({"path": "/d/x.duckdb", "locations": {"a.b": "/d/b.parquet"}}, "/locations and path are both given"),
        ({"path": "x.duckdb"}, "/path is no absolute path"),
        ({"path": "/d/../etc/x"}, "/path holds .."),
        ({"path": "/d//x"}, "/path holds .."),
        ({"path": "/d/x*.duckdb"}, "/path is the path of one database file"),
        ({"path": "/d/x.parquet"}, "/path is the path of a database file; files of Parquet go under locations"),
        ({"path": "/d/x.csv"}, "/path is the path of a database file; files of Parquet go under locations, of CSV under csv_locations"),
        *[({"path": f"{start}bucket/x"}, "/path is an address") for start in ("s3://", "https://", "md:", "ducklake:", "file:/")],
        ({"path": "/d/x\ny"}, "/path holds a character"),
        *[({"locations": {"a.b": f"{start}bucket/x.parquet"}}, "/locations/a.b is an address") for start in ("gs://", "az://", "https://", "s3a://")],
        ({"locations": {"a.b": "/d/../x.parquet"}}, "/locations/a.b holds .."),
        ({"locations": {"a.b": "/d/**/x.parquet"}}, "/locations/a.b holds **; write one * per folder"),
        ({"locations": {"a.b": "/d/x.csv"}}, "/locations/a.b names files of CSV, which have no types: they go under csv_locations"),
        ({"csv_locations": {"a.b": CSV | {"files": "/d/x.parquet"}}}, "/csv_locations/a.b names no files of CSV: end files with"),
        ({"csv_locations": {"a.b": CSV | {"files": "gs://b/x.csv"}}}, "/csv_locations/a.b is an address"),
        ({"csv_locations": {"a.b": CSV | {"files": "/d/**/x.csv"}}}, "/csv_locations/a.b holds **; write one * per folder"),
        ({"csv_locations": {"a.b": CSV | {"columns": {"a": "int4", "b": "text"}}}}, "/csv_locations/a.b/columns/a is no type; write"),
        ({"csv_locations": {"a.b": CSV | {"columns": {"a": "decimal(39,2)", "b": "text"}}}}, "columns/a is no decimal; write"),
        ({"csv_locations": {"a.b": CSV | {"columns": {"a": "text"}}}}, "/csv_locations/a.b/columns must have two columns or more"),
        ({"csv_locations": {"a.b": CSV | {"columns": {"a": "text", "A": "text"}}}}, "columns names a and A, which are one column"),
        ({"csv_locations": {"a.b": CSV | {"delimiter": "ab"}}}, "/csv_locations/a.b/delimiter is no delimiter; write one sign"),
        ({"csv_locations": {"a.b": CSV | {"null_text": "a,b"}}}, "/csv_locations/a.b/null_text holds a sign that delimits"),
        ({"csv_locations": {"a.b": CSV | {"header": False}}}, "/csv_locations/a.b/header"),
        ({"csv_locations": {"A.b": CSV}, "locations": {"a.b": "/d/x.parquet"}}, "/locations names A.b and a.b, which are one table"),
        ({"path": "/d/x.duckdb", "csv_locations": {"a.b": CSV}}, "/csv_locations and path are both given"),
        ({"locations": {"a.b": "/etc/passwd"}}, "/locations/a.b names no files of Parquet"),
        ({"locations": {"a.b": "/d/x.parquet", "A.B": "/d/y.parquet"}}, "/locations names a.b and A.B, which are one table"),
        ({"locations": {"b": "/d/x.parquet"}}, "is no table name"),
        ({"attach": {"r": "/d/r"}}, "names no data: give the path of a database file, or files by their tables: of Parquet under locations, of CSV under csv_locations; attach names files that rules read beside them"),
        ({"path": "/d/x", "attach": "/d/r"}, "/attach must be an object, such as {ref: /data/reference.duckdb}"),
        *[({"path": "/d/x", "attach": {name: "/d/r"}}, f"/attach/{name} is no name of a database; write") for name in ("Ref", "1", "a-b", "é", "r" * 64)],
        *[({"path": "/d/x", "attach": {name: "/d/r"}}, f"/attach/{name} is a name of DuckDB's or of the service's own") for name in ("memory", "temp", "system", "main", "pg_catalog", "information_schema", "stringx_a")],
        ({"path": "/d/Shop.v1.duckdb", "attach": {"shop": "/d/r"}}, "/attach names shop, as DuckDB calls the target's own database by its file"),
        ({"path": "/d/x", "attach": {"r": "/d/x"}}, "/attach names /d/x, which is path, the target's own database; leave it out"),
        ({"path": "/d/x", "attach": {"r": "/d/r", "s": "/d/r"}}, "/attach names /d/r twice, as r and s; keep one"),
        ({"path": "/d/x", "attach": {"r": "r.duckdb"}}, "/attach/r is no absolute path"),
        ({"path": "/d/x", "attach": {"r": "/d/../r"}}, "/attach/r holds .."),
        ({"path": "/d/x", "attach": {"r": "s3://lake/r.duckdb"}}, "/attach/r is an address"),
        ({"path": "/d/x", "attach": {"r": "/d/*.duckdb"}}, "/attach/r is the path of one database file"),
        ({"path": "/d/x", "attach": {"r": "/d/r.parquet"}}, "/attach/r is the path of a database file; files of Parquet go under"),
        ({"path": "/d/x", "attach": {"r": ":memory:"}}, "/attach/r is no file; write the path of a database file"),
        ({"path": "/d/x", "attach": {f"r{n}": f"/d/{n}" for n in range(21)}}, "/attach must have at most 20 items"),
        ({"locations": {"R.b": "/d/b.parquet"}, "attach": {"r": "/d/r"}}, "/locations names R.b, and r is a database under attach"),
        ({"csv_locations": {"r.b": CSV}, "attach": {"r": "/d/r"}}, "/csv_locations names r.b, and r is a database under attach"),
        ({"locations": {"a.b": "/d/b.parquet"}, "attach": {"r": "/d/r"}, "allow_paths": ["/d"]}, "/allow_paths are for the views of a database file"),
        ({"path": "/d/x", "host": "db", "port": 5432}, "/host is no field of duckdb, but of postgres; leave it out"),
        ({"path": "/d/x", "allow_functions": ["a.b"]}, "/allow_functions must be empty on duckdb"),
        ({"path": "/d/x", "allow_arguments": "unchecked"}, "/allow_arguments"),
        ({"path": "/d/x", "memory_limit": "lots"}, "/memory_limit is no amount of memory"),
        ({"locations": {"a.b": "/d/x.parquet"}, "allow_paths": ["/d"]}, "/allow_paths are for the views of a database file"),
    ],
)  # fmt: skip
def test_a_document_is_refused_in_one_line(fields: dict[str, Any], words: str) -> None:
    assert words in faults(**fields)


def test_other_data_is_another_database() -> None:
    hashes = [
        target(**fields).database_hash
        for fields in (
            {"path": "/d/x"},
            {"path": "/d/y"},
            {"locations": {"a.b": "/d/x.parquet"}},
            {"locations": {"a.b": "/d/y.parquet"}},
            {"locations": {"a.c": "/d/x.parquet"}},
            {"path": "/d/x", "attach": {"r": "/d/r"}},
            {"path": "/d/x", "attach": {"q": "/d/r"}},
            {"locations": {"a.b": "/d/x.parquet"}, "attach": {"r": "/d/r"}},
            {"csv_locations": {"a.b": CSV}},
            {"csv_locations": {"a.b": CSV | {"null_text": "NULL"}}},
            {"csv_locations": {"a.b": CSV | {"columns": {"a": "integer", "b": "text"}}}},
        )
    ]
    assert len(set(hashes)) == len(hashes)
    written = target(csv_locations={"a.b": CSV | {"delimiter": ",", "null_text": ""}})
    assert written.database_hash == target(csv_locations={"a.b": CSV}).database_hash, "defaults may be written out"
    assert target(path="/d/x", threads=8, memory_limit="4GB", attach={}).database_hash == hashes[0]
    swapped = [
        target(path="/d/x", attach=dict(pairs)) for pairs in ([("a", "/d/a"), ("b", "/d/b")], [("b", "/d/b"), ("a", "/d/a")])
    ]
    assert swapped[0].database_hash == swapped[1].database_hash, "they have no order"


def test_files_are_found_by_a_pattern_and_no_others(machine: Machine, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    found = files.find(target(locations={"s.orders": f"{lake}/orders/*.parquet", "s.none": f"{lake}/orders/c*.parquet"}), machine)
    assert found.locations["s.orders"] == {"format": "parquet", "files": [f"{lake}/orders/{name}.parquet" for name in "ab"]}
    assert found.locations["s.none"]["files"] == []
    assert "no file is named" in found.locations["s.none"]["fault"]
    variables = engine_of(target(locations={"s.orders": f"{lake}/orders/*.parquet"})).environment(machine, "stringx x")
    assert json.loads(variables["STRINGX_TARGET_READS"])["locations"].keys() == {"s.orders"}
    assert variables["STRINGX_TARGET_PATH"] == ":memory:"


def test_nothing_is_read_without_a_folder_for_it(machine: Machine, tmp_path: Path) -> None:
    alone = Machine(machine.secrets, readable=(), private=machine.private, scratch=machine.scratch)
    assert "set DUCKDB_FOLDERS" in unusable(alone, locations={"a.b": f"{tmp_path}/lake/orders/a.parquet"})


@pytest.mark.parametrize(
    "pattern", ["outside/c.parquet", "outside/*.parquet", "*/c.parquet", "l*/orders/*.parquet", "lake2/x.parquet"]
)
def test_files_elsewhere_are_not_even_looked_for(machine: Machine, tmp_path: Path, pattern: str) -> None:
    words = unusable(machine, locations={"a.b": f"{tmp_path}/{pattern}"})
    assert "lies in none of the folders that DUCKDB_FOLDERS lists" in words


@pytest.mark.parametrize(
    "pattern", ["home/secrets/password.parquet", "home/secrets/*.parquet", "*/secrets/*.parquet", "home/*/password.parquet"]
)
def test_files_of_the_service_are_never_read(machine: Machine, tmp_path: Path, pattern: str) -> None:
    assert "lies in a folder of the service itself" in unusable(machine, locations={"a.b": f"{tmp_path}/lake/{pattern}"})


@pytest.mark.parametrize("leads_to", ["outside/c.parquet", "lake/home/secrets/password.parquet"])
@pytest.mark.parametrize("is_folder", [False, True])
def test_a_link_leads_nowhere_else(machine: Machine, tmp_path: Path, leads_to: str, is_folder: bool) -> None:
    link, end = tmp_path / "lake" / "linked.parquet", tmp_path / leads_to
    link.symlink_to(end.parent if is_folder else end)
    named = f"{link}/{end.name}" if is_folder else str(link)
    for pattern in (named, named.replace("linked", "l*")):
        words = unusable(machine, locations={"a.b": pattern})
        assert "DUCKDB_FOLDERS" in words or "of the service itself" in words
    inside = tmp_path / "lake" / "inside.parquet"
    inside.symlink_to(tmp_path / "lake" / "orders" / "a.parquet")
    found = files.find(target(locations={"a.b": str(inside)}), machine)
    assert found.locations["a.b"]["files"] == [f"{tmp_path}/lake/orders/a.parquet"], "the real path, whatever the link becomes"


def test_what_is_no_file_is_not_opened(machine: Machine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lake" / "pipe.parquet")
    assert "is no regular file" in unusable(machine, locations={"a.b": f"{tmp_path}/lake/pipe.parquet"})
    (tmp_path / "lake" / "x[1].parquet").write_text("a")
    assert "rename it" in unusable(machine, locations={"a.b": f"{tmp_path}/lake/x*.parquet"})
    (tmp_path / "lake" / "folder.parquet").mkdir()
    assert "is a folder; name the files in it" in unusable(machine, locations={"a.b": f"{tmp_path}/lake/f*.parquet"})


def test_what_cannot_be_looked_at_is_not_passed_over(machine: Machine, tmp_path: Path) -> None:
    orders = tmp_path / "lake" / "orders"
    found = files.find(target(locations={"a.b": f"{tmp_path}/lake/orders/nothing.parquet"}), machine)
    assert "no file is named" in found.locations["a.b"]["fault"]
    (orders / "c.parquet").symlink_to(orders / "nothing")
    assert "there is no file" in unusable(machine, locations={"a.b": f"{orders}/*.parquet"})
    (orders / "c.parquet").unlink()
    orders.chmod(0)
    try:
        os.seteuid(65534 if os.geteuid() == 0 else os.geteuid())
        words = [
            unusable(machine, locations={"a.b": f"{tmp_path}/lake/{end}.parquet"}) for end in ("orders/*", "ord*/a", "ord*/*")
        ]
    finally:
        os.seteuid(os.getuid())
        orders.chmod(0o755)
    assert all("cannot read" in each for each in words), words


def test_there_are_not_too_many_files(machine: Machine, tmp_path: Path) -> None:
    many = tmp_path / "lake" / "many"
    many.mkdir()
    for number in range(files.MOST_FILES + 1):
        (many / f"{number}.parquet").touch()
    words = unusable(machine, locations={"a.b": f"{many}/*.parquet"})
    assert words.startswith("target lake: its locations name 1,001 files; 1,000 or 64 KiB")


def test_a_database_file_and_what_is_none(machine: Machine, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    duckdb.connect(str(lake / "shop.duckdb")).close()
    (lake / "link").symlink_to(lake / "shop.duckdb")
    assert files.find(target(path=f"{lake}/link"), machine).database == f"{lake}/shop.duckdb"
    (lake / "text").write_text("no database")
    assert "is no database file of DuckDB" in unusable(machine, path=f"{lake}/text")
    assert "there is no file" in unusable(machine, path=f"{lake}/nothing")
    assert "is no regular file" in unusable(machine, path=f"{lake}/orders")
    assert "DUCKDB_FOLDERS" in unusable(machine, path=f"{tmp_path}/outside/x")
    for end in (".wal", ".wal.recovery", ".wal.checkpoint"):
        (lake / f"shop.duckdb{end}").symlink_to(machine.secrets / "password.parquet")
        assert "is no regular file" in unusable(machine, path=f"{lake}/shop.duckdb"), "DuckDB reads it with the file"
        (lake / f"shop.duckdb{end}").unlink()


def test_further_database_files_are_found_as_that_of_the_target(machine: Machine, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for name in ("shop", "ref", "other"):
        duckdb.connect(str(lake / f"{name}.duckdb")).close()
    (lake / "link").symlink_to(lake / "ref.duckdb")
    made = {"path": f"{lake}/shop.duckdb", "attach": {"ref": f"{lake}/link", "other": f"{lake}/other.duckdb"}}
    real = {"ref": f"{lake}/ref.duckdb", "other": f"{lake}/other.duckdb"}
    assert json.loads(files.find(target(**made), machine).described())["attach"] == real
    of_files = {"locations": {"s.t": f"{lake}/orders/a.parquet"}, "attach": made["attach"]}
    variables = engine_of(target(**of_files)).environment(machine, "stringx x")
    assert (variables["STRINGX_TARGET_PATH"], json.loads(variables["STRINGX_TARGET_READS"])["attach"]) == (":memory:", real)
    assert "attach" not in files.find(target(path=made["path"]), machine).described()

    def refused(path: Path, **more: str) -> str:
        return unusable(machine, path=made["path"], attach={"ref": str(path)} | more)

    assert (
        refused(lake / "nothing")
        == f"target lake: there is no file {lake}/nothing where the workers run; make it, or correct attach"
    )
    assert "lies in none of the folders that DUCKDB_FOLDERS lists" in refused(tmp_path / "outside" / "x")
    assert "of the service itself" in refused(lake / "home" / "x")
    assert f"{lake}/orders/a.parquet" not in refused(lake / "orders")
    (lake / "text").write_text("no database")
    assert refused(lake / "text") == f"target lake: {lake}/text is no database file of DuckDB; correct attach"
    (lake / "own").symlink_to(made["path"])
    assert refused(lake / "own") == f"target lake: {lake}/own (attach) is the same file as that of path; leave one out"
    assert "is the same file as that of attach, as ref" in refused(lake / "ref.duckdb", more=f"{lake}/link")
    (lake / "ref.duckdb.wal").symlink_to(lake / "text")
    assert f"{lake}/ref.duckdb.wal is no regular file" in refused(lake / "link"), "DuckDB reads it with the file"


def test_a_fault_of_a_further_file_names_it_as_the_document_does(tmp_path: Path) -> None:
    own, real, link = (f"{tmp_path}/{name}" for name in ("own.duckdb", 'a "ref": x.duckdb', 'a "link": x'))
    Path(link).symlink_to(real)
    made = target(path=own, attach={"ref": link})
    for fault, words in {
        f'IO Error: Could not set lock on file "{real}": Conflicting lock': f"another process writes to {link}, and DuckDB",
        "it was overwritten while it was read": f"{link} was changed, replaced or removed while it was read",
        "the database defines functions or types: f": f"{link} defines functions, or types with names of DuckDB's own (f)",
        "Cannot open in read-only mode: database does not exist": f"there is no file {link} where the workers run; make it, or correct attach",
        "Cannot open encrypted database without a key": f"{link} is encrypted, and targets have no keys",
        "Corrupt database file: checksum": f"{link} is damaged",
        f'IO Error: Could not read enough bytes from file "{real}": attempted to read 8 bytes': f"{real} is damaged or incomplete",
    }.items():
        for file, shown in ((real, link), (own, own)):
            words_of = words.replace(link, shown).replace("attach", "attach" if file == real else "path")
            assert words_of in str(errors.explain(made, f'Runtime Error\n  database file "{file}": {fault}'))
        assert errors.may_pass(f'database file "{real}": {fault}') == ("lock" in fault)
    own_lock = f'IO Error: Could not set lock on file "{own}": x'
    assert f"another process writes to {own}," in str(errors.explain(made, own_lock))
    taken = f'database file "{real}": Binder Error: Failed to attach database: database with name "ref" already exists'
    assert "attach names ref, as DuckDB calls" in str(errors.explain(made, taken))
    damaged = f"a database file of the target is damaged; write it again, or put a whole copy in place: {real}"
    assert errors.explain(made, f"Runtime Error\n  {damaged}") == f"target lake: {damaged}"
    schema = "the database has a schema with the name of an attached one: ref"
    assert f"attach names ref, and {own} has a schema of that name" in str(errors.explain(made, schema))


def test_the_machine_bounds_what_a_document_asks_for(machine: Machine, tmp_path: Path) -> None:
    locations = {"a.b": f"{tmp_path}/lake/orders/a.parquet"}
    made = engine_of(target(locations=locations, memory_limit="999999GB", threads=256)).environment(machine, "x")
    assert int(made["STRINGX_TARGET_THREADS"]) <= (os.cpu_count() or 1)
    assert int(made["STRINGX_TARGET_MEMORY_LIMIT"].removesuffix("MB")) < 10_000_000
    small = engine_of(target(locations=locations, memory_limit="150MB", threads=1)).environment(machine, "x")
    assert (small["STRINGX_TARGET_MEMORY_LIMIT"], small["STRINGX_TARGET_THREADS"]) == ("150MB", "1")


def test_folders_of_views_hold_no_link_out_and_nothing_of_the_service(machine: Machine, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    duckdb.connect(str(lake / "shop.duckdb")).close()
    path = f"{lake}/shop.duckdb"
    assert files.find(target(path=path, allow_paths=[f"{lake}/orders/"]), machine).folders == [f"{lake}/orders"]
    assert "holds the service's own folder" in unusable(machine, path=path, allow_paths=[str(lake)])
    assert "of the service itself" in unusable(machine, path=path, allow_paths=[f"{lake}/home/secrets"])
    assert "there is no folder" in unusable(machine, path=path, allow_paths=[f"{lake}/nothing"])
    (lake / "orders" / "deep").mkdir()
    (lake / "orders" / "deep" / "link").symlink_to(tmp_path / "outside")
    assert "holds a link that leads out of it" in unusable(machine, path=path, allow_paths=[f"{lake}/orders"])


def test_the_folders_are_a_setting() -> None:
    assert read_settings({"DUCKDB_FOLDERS": "/data:/lake"}).duckdb_folders == (Path("/data"), Path("/lake"))
    assert read_settings({}).duckdb_folders == ()
    for wrong in ("data", "/", "/data/../etc", "~"):
        with pytest.raises(SettingsError, match=r"DUCKDB_FOLDERS holds .*; give absolute paths"):
            read_settings({"DUCKDB_FOLDERS": wrong})


@pytest.mark.parametrize("size", [100, 5000, 200_000])
def test_a_database_file_that_is_cut_off_is_explained(tmp_path: Path, size: int) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select range as a from range(100000)")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(duckdb.Error) as broken:
        duckdb.connect(str(path), read_only=True)
    words = f"target lake: {path} is damaged or incomplete; write it again, or put a whole copy in place"
    assert engine_of(target(path=str(path))).explain(str(broken.value)) == words


def test_a_file_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    made = target(path=str(path))
    with duckdb.connect(str(path)):
        pass
    path.write_bytes(path.read_bytes()[:4096] + b"\0" * 9000)
    with pytest.raises(duckdb.Error) as broken:
        duckdb.connect(str(path), read_only=True)
    for message in (str(broken.value), "IO Error: Could not set lock on file"):
        line = engine_of(made).explain(message)
        assert line is not None, message
        assert line.startswith("target lake: ")
    assert errors.may_pass("IO Error: Could not set lock on file")
    assert engine_of(made).explain('Binder Error: column "x" not found') is None


def test_messages_show_no_value_of_a_row() -> None:
    engine = engine_of(target(path="/d/x"))
    assert engine.without_values("Conversion Error: Could not convert string 'secret' to INT32\nLINE 1: x") == (
        'Conversion Error: Could not convert string "…" to INT32'
    )
    assert (
        engine.without_values('Binder Error: Referenced column "a" not found') == 'Binder Error: Referenced column "a" not found'
    )


def test_an_adapter_that_is_not_installed_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> str:
        raise files_metadata.PackageNotFoundError(name)

    from api.targets.duckdb import engine as module

    files_metadata = module.metadata
    monkeypatch.setattr(files_metadata, "version", missing)
    with pytest.raises(TargetUnusable, match="DuckDB is not installed where the workers run"):
        engine_of(target(path=f"{tmp_path}/x")).environment(machine, "x")
    monkeypatch.setattr(files_metadata, "version", lambda name: missing(name) if name == "fsspec" else "1")
    on_s3 = target(s3={"anonymous": True}, locations={"a.b": "s3://lake/b.parquet"})
    with pytest.raises(TargetUnusable, match=r"what reads objects of S3 \(fsspec\) is not installed .* requirements-duckdb.txt"):
        engine_of(on_s3).environment(machine, "x")


def test_names_in_letters_beyond_ascii_are_two_for_duckdb_too() -> None:
    with duckdb.connect() as conn:
        conn.execute('create table t ("é" int, "É" int)')
    columns = {"é": "text", "É": "text"}
    made = target(csv_locations={"a.é": CSV | {"columns": columns}}, locations={"a.É": "/d/x.parquet"})
    assert made.csv_locations["a.é"].columns == columns
