"""The lists of packages: every file has a hash, and whatever installs them insists on it."""

import re

import pytest

from launch.install import _builder, _used
from stringx_dataops.contract.settings import ROOT

LISTS = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("requirements*.txt"), *ROOT.glob("deploy/*/requirements*.txt"))
)
_PACKAGE = re.compile(
    r"^(?P<name>[a-z0-9._-]+)==\S+(?: ; [^\\\n]+)?(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / name).read_text()
    without = [line for line in text.splitlines() if re.match(r"[^\s#-]", line)]
    assert len(without) == len(_PACKAGE.findall(text)) > 0


def test_a_package_that_nothing_imports_is_in_a_list_of_its_own() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert text.endswith("\n-r requirements-unused.txt\n")
    names = {found["name"] for found in _PACKAGE.finditer(_used(text))}
    unused = {found["name"] for found in _PACKAGE.finditer((ROOT / "requirements-unused.txt").read_text())}
    assert unused >= {"pandas", "flask-openapi3"}
    assert not names & unused
    assert "-r " not in _used(text)


def test_what_builds_a_package_is_pinned_with_hashes_too() -> None:
    [found] = _PACKAGE.finditer(_builder((ROOT / "requirements.txt").read_text()))
    assert found["name"] == "setuptools"


def test_the_image_insists_on_the_hashes() -> None:
    installs = re.findall(r"pip install .*", (ROOT / "Dockerfile").read_text())
    assert len(installs) == 4
    assert all("--require-hashes" in command for command in installs)
