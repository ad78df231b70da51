"""dbt projects of users: files written into a folder."""

import shutil
from collections.abc import Collection
from pathlib import Path

from stringx_dataops.contract.settings import ROOT

STRINGX = ROOT / "stringx"


def copy_with(types: Collection[str] | None, folder: Path) -> Path:
    """A copy of ours with the macros of these rule types alone (None: all), which dbt loads in two thirds of the time; the folder."""
    shutil.copytree(STRINGX, folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    if types is None:
        return folder
    macros = {path.stem: path for path in (folder / "macros").glob("**/rules/*.sql")}
    assert macros.keys() >= set(types)
    for name in macros.keys() - set(types):
        macros[name].unlink()
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
