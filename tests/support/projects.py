"""dbt projects of users: files written into a folder."""

from pathlib import Path

from stringx_dataops.contract.settings import ROOT

STRINGX = ROOT / "stringx"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
