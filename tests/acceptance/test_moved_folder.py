"""The project's folder may be moved or copied with its .venv, and PYTHON chooses another Python for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT

NAMES = ("launch", "stringx_dataops", "stringx", "database", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")


def install(project: Path, python: str = sys.executable, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "LAUNCH_VENV")}
    return subprocess.run(
        [python, "-P", "-m", "launch.install"], env=environ | {"PYTHONPATH": str(project)} | variables,
        capture_output=True, text=True, timeout=240, check=False, cwd="/",
    )  # fmt: skip


def first_line(path: Path) -> bytes:
    return path.read_bytes().split(b"\n", 1)[0]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project with hard links to its .venv, as after `cp -al`."""
    project = tmp_path_factory.mktemp("moved") / "project"
    project.mkdir()
    for name in (*NAMES, *(path.name for path in ROOT.glob("requirements*.txt"))):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    try:
        shutil.copytree(ROOT / ".venv", project / ".venv", symlinks=True, copy_function=os.link)
    except OSError:  # another file system
        shutil.rmtree(project / ".venv", ignore_errors=True)
        shutil.copytree(ROOT / ".venv", project / ".venv", symlinks=True)
    return project


def test_a_moved_virtual_environment_works_and_the_other_is_left_alone(moved: Path) -> None:
    before = {name: (ROOT / ".venv" / name).read_bytes() for name in (".installed", "bin/pip", "bin/dbt", "bin/activate")}
    done = install(moved)
    assert (done.returncode, done.stderr) == (0, ""), (moved / ".install.log").read_text()
    assert done.stdout == f"{moved / '.venv'} was moved here: correcting it\n"
    assert install(moved).stdout == ""  # once
    assert before == {name: (ROOT / ".venv" / name).read_bytes() for name in before}
    programs = moved / ".venv" / "bin"
    assert {first_line(programs / name).rpartition(b"/")[0] for name in ("pip", "dbt", "dataops", "gunicorn")} == {
        b"#!" + os.fsencode(programs)
    }
    asked = "import stringx_dataops; print(stringx_dataops.__file__)"
    where = subprocess.run([programs / "python", "-c", asked], capture_output=True, text=True, cwd="/", check=True).stdout
    assert where.startswith(str(moved))
    version = subprocess.run([programs / "dataops", "--version"], capture_output=True, text=True, cwd="/", check=True).stdout
    assert version.startswith("dataops ")
    asked = "import stringx_dataops; print(stringx_dataops.__file__)"
    here = subprocess.run([ROOT / ".venv/bin/python", "-c", asked], capture_output=True, text=True, cwd="/", check=True).stdout
    assert here.startswith(str(ROOT))


def test_the_python_that_is_chosen_is_compared_with_that_of_the_virtual_environment(
    moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launch import install as installing

    monkeypatch.setattr(installing, "PYTHON", ROOT / ".venv" / "bin" / "python")
    monkeypatch.setenv("PYTHON", sys.executable)
    assert installing._is_of_this_python()
    monkeypatch.setattr(installing.sys, "base_prefix", "/opt/another")
    assert not installing._is_of_this_python()
    monkeypatch.delenv("PYTHON")
    assert installing._is_of_this_python()
    monkeypatch.setattr(installing, "PYTHON", moved / "nothing")
    assert not installing._is_of_this_python()


def test_a_python_that_is_none_is_one_line() -> None:
    for program in ("./start-service.sh", "./run-tests.sh"):
        for python in ("/no/python", "true"):
            arguments = [program, "--local"] if "start" in program else [program, "--version"]
            done = subprocess.run(
                arguments, cwd=ROOT, env=os.environ | {"PYTHON": python}, capture_output=True, text=True, timeout=60, check=False
            )
            assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
            assert f"PYTHON is '{python}'" in done.stderr
