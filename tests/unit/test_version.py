"""There is one version, in the package; everything else reads it, or is held to it here."""

import re
import subprocess
import sys
from pathlib import Path

import stringx_dataops
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.settings import ROOT


def test_the_changelog_and_the_dbt_project_have_the_packages_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == dbt_project.settings(ROOT / "stringx")["version"] == stringx_dataops.__version__


def test_the_command_tells_its_version() -> None:
    command = [Path(sys.executable).with_name("dataops"), "--version"]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"dataops {stringx_dataops.__version__}\n"
    )
