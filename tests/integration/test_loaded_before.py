"""What is kept of a loaded dbt project: used where nothing has changed, and never where something has."""

import marshal
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from dbt_common.clients.jinja import get_environment

from api.engine import loaded_before
from api.engine.command import DbtProject
from api.engine.loaded_before import LoadedBefore
from api.engine.pool import ChildFactory
from tests.support.databases import Target
from tests.support.engine import Project, a_project, gate, rule

PARSED = "partial_parse.msgpack"
SPECIFICATION = gate("orders", rule("id_there", "not_null", "id"), rule("own", "always", "id"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with a_project(tmp_path) as made:
        return made


def says(project: Project, target: Target, kept: Path) -> str:
    """What a check says whose dbt was loaded by a new process."""
    folder = project.folder.parent
    with ChildFactory(DbtProject(project.folder, project.folder), folder / "home", kept).slot(max_checks=9) as child:
        child.ensure_warm()
        answer = child.run(SPECIFICATION, folder / "run", target.environment(), 60)
    assert answer.outcome is not None, answer.message
    return "fail" if '"status": "fail"' in answer.outcome else "pass"


def of(kept: Path, name: str) -> Path:
    (found,) = kept.glob(f"*/{name}")
    return found


def whole(path: Path) -> bytes:
    """The content of a file, less its digest."""
    content = path.read_bytes()
    assert sha256(content[32:]).digest() == content[:32]
    return content[32:]


def test_a_second_start_uses_what_the_first_has_kept_as_long_as_nothing_has_changed(
    project: Project, orders: Target, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    project.says("'false'")
    assert says(project, orders, kept) == "pass"
    parsed, macros = of(kept, PARSED), of(kept, "macros")
    codes = marshal.loads(whole(macros))
    source = next(text for text in codes if "stringx_rule__always" in text)
    codes[source] = get_environment().compile(source.replace("'false'", "'true'"))
    content = marshal.dumps(codes)
    macros.write_bytes(sha256(content).digest() + content)
    before = parsed.stat().st_mtime_ns
    (tmp_path / "elsewhere").mkdir()
    project.folder = project.folder.rename(tmp_path / "elsewhere" / "project")
    assert says(project, orders, kept) == "fail", "the code that is kept is what runs"
    assert parsed.stat().st_mtime_ns == before, "and dbt has parsed nothing, although the project was moved"
    for path in (parsed, macros):
        path.write_bytes(path.read_bytes()[:-1])
    assert says(project, orders, kept) == "pass", "what is damaged is made again"
    assert whole(parsed)
    assert marshal.loads(whole(macros)) != codes


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "another bit": lambda content: content[:-4] + bytes([content[-4] ^ 1]) + content[-3:],
    "something else": lambda content: b"\0" * 100,
    "a digest alone": lambda content: content[:32],
}


@pytest.fixture
def target_path(tmp_path: Path) -> Path:
    return tmp_path / "target"


def start(project: Project, target_path: Path, kept: Path, parsed: bytes = b"what dbt has parsed") -> bool:
    """Whether a start is lent what dbt has parsed before; otherwise it parses and keeps that."""
    before = LoadedBefore(kept, project.folder, project.folder)
    lent = before.lend(target_path)
    assert (target_path / PARSED).exists() == lent
    if not lent:
        (target_path / PARSED).write_bytes(parsed)
        before.keep_parsed(target_path)
        before.keep_compiled()
    return lent


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_what_is_damaged_is_not_lent(
    project: Project, target_path: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    assert [start(project, target_path, tmp_path / "kept") for _ in range(2)] == [False, True]
    assert (target_path / PARSED).read_bytes() == b"what dbt has parsed"
    for name in (PARSED, "macros"):
        path = of(tmp_path / "kept", name)
        path.write_bytes(damage(path.read_bytes()))
    assert [start(project, target_path, tmp_path / "kept") for _ in range(2)] == [False, True]


def test_a_change_that_no_time_and_no_size_shows_makes_another_project(
    project: Project, target_path: Path, tmp_path: Path
) -> None:
    macro = project.folder / "macros" / "always.sql"
    found = [start(project, target_path, tmp_path / "kept") for _ in range(2)]
    text, written = macro.read_text(), macro.stat()
    macro.write_text(text.replace("'false'", "'true' "))
    os.utime(macro, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert macro.stat().st_size == written.st_size
    found.append(start(project, target_path, tmp_path / "kept"))
    macro.write_text(text)
    assert [*found, start(project, target_path, tmp_path / "kept")] == [False, True, False, True]


def test_another_environment_is_another_project(
    project: Project, target_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ODD", raising=False)
    found = [start(project, target_path, tmp_path / "kept") for _ in range(2)]
    monkeypatch.setenv("ODD", "1")
    found += [start(project, target_path, tmp_path / "kept") for _ in range(2)]
    monkeypatch.delenv("ODD")
    assert [*found, start(project, target_path, tmp_path / "kept")] == [False, True, False, True, True]


def test_a_project_that_changes_while_dbt_parses_it_is_not_kept(project: Project, target_path: Path, tmp_path: Path) -> None:
    before = LoadedBefore(tmp_path / "kept", project.folder, project.folder)
    before.lend(target_path)
    project.says("'another'")
    (target_path / PARSED).write_bytes(b"parsed of one state or the other")
    before.keep_parsed(target_path)
    assert not list(tmp_path.glob(f"kept/*/{PARSED}"))


def test_nothing_is_kept_of_what_is_too_large_or_cannot_be_read(
    project: Project, target_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(project.folder / "pipe")
    assert [start(project, target_path, tmp_path / "kept") for _ in range(2)] == [False, True], "a pipe is not read"
    (project.folder / "macros" / "broken.sql").symlink_to("nowhere")
    assert [start(project, target_path, tmp_path / "kept") for _ in range(2)] == [False, False]
    (project.folder / "macros" / "broken.sql").unlink()
    assert start(project, target_path, tmp_path / "kept")
    monkeypatch.setattr(loaded_before, "_MOST_READ", 1000)
    assert [start(project, target_path, tmp_path / "kept") for _ in range(2)] == [False, False]


@pytest.mark.parametrize("inside", ["dbt", "macros/kept", "."])
def test_a_project_is_never_where_things_are_kept(project: Project, target_path: Path, inside: str) -> None:
    files = sorted(project.folder.rglob("*"))
    for number in range(6):
        project.says(f"'{number}'")
        assert not start(project, target_path, project.folder / inside)
        assert not start(project, target_path, project.folder.parent)
    assert sorted(set(project.folder.rglob("*")) - {project.folder / "macros" / "always.sql"}) == [
        path for path in files if path.name != "always.sql"
    ]


def test_a_folder_that_cannot_be_written_is_done_without(project: Project, target_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert [start(project, target_path, tmp_path / "file") for _ in range(2)] == [False, False]
    assert (tmp_path / "file").read_text() == "no folder"


def test_a_few_states_are_kept_at_most_and_nothing_else_is_removed(project: Project, target_path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "somebody's").mkdir(parents=True)
    seen = []
    for number in range(6):
        project.says(f"'{number}'")
        start(project, target_path, kept)
        seen.append(LoadedBefore(kept, project.folder, project.folder)._folder)
    assert set(kept.iterdir()) == {*seen[-4:], kept / "somebody's"}


def test_a_loaded_dbt_needs_no_process_that_cleans_up_after_it(project: Project) -> None:
    child = project.child_factory.spawn().result(120)
    loader = psutil.Process(child.pid).parent()
    assert loader is not None
    assert [each.pid for each in loader.children(recursive=True)] == [child.pid]
    locks = [line for line in Path(f"/proc/{child.pid}/maps").read_text().splitlines() if "/dev/shm/sem." in line]
    assert locks, "dbt has locks of its own"
    assert all(line.endswith("(deleted)") for line in locks), "a lock with a name outlives a process that is killed"
    child.close()
    project.child_factory.close()
