"""What the image is made of, without building it."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from launch.install import EXTRAS
from stringx_dataops import __version__
from stringx_dataops.contract.settings import ROOT


def test_whatever_the_image_copies_is_let_through_to_its_build() -> None:
    copied = {
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for source in line.split()
    }
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {name for name in copied if not name.startswith("deploy/")} | {"deploy/image"} == let_through
    assert all((ROOT / name).exists() for name in copied)


def test_what_the_image_leaves_out_is_needed_by_nothing_that_it_keeps() -> None:
    """By the installed packages' own words, from the direct dependencies on."""
    [line] = re.findall(r"pip uninstall --quiet --yes (.+)$", (ROOT / "deploy/image/trim.sh").read_text(), re.MULTILINE)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = settings["optional-dependencies"]
    waiting = [*settings["dependencies"], *(each for name in ("kafka", "verify", "services") for each in extras[name])]
    unused = {"stringx-dataops", *re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements-unused.txt").read_text(), re.MULTILINE)}
    kept: set[tuple[str, str]] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if name in unused or (name, extra) in kept:
                continue
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            kept.add((name, extra))
            needed = map(Requirement, importlib.metadata.requires(name) or ())
            waiting += [str(each) for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]
    names = {name for name, _ in kept}
    assert names >= {"dbt-core", "networkx", "flask", "psycopg2-binary"}
    assert not names & set(line.split())


def test_the_list_of_contents_has_each_installed_package_of_debian_once() -> None:
    status = (
        "Package: libc6\nStatus: install ok installed\nMaintainer: GNU Libc Maintainers <x@example.org>\nArchitecture: amd64\n"
        "Source: glibc\nVersion: 2.41-12\nDescription: GNU C Library\n Version: no field\n"
        "\nPackage: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.152+x~1\n"
        "\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"
    )
    adduser, libc = sbom().debian_components(status, "debian-13")
    assert adduser["purl"] == "pkg:deb/debian/adduser@3.152%2Bx~1?arch=all&distro=debian-13"
    assert (libc["name"], libc["version"], libc["publisher"]) == ("libc6", "2.41-12", "GNU Libc Maintainers")


def test_the_list_of_contents_is_one_of_the_image() -> None:
    listed = {"bom-ref": "flask==3.1", "name": "flask", "version": "3.1"}
    bom = {
        "metadata": {"tools": []}, "components": [listed],
        "dependencies": [{"ref": "flask==3.1"}, {"ref": "root-component"}],
    }  # fmt: skip
    added = {"bom-ref": "pkg:deb/debian/adduser@1", "name": "adduser"}
    whole = sbom().complete(bom, "0.1.0", [added])
    assert whole["metadata"]["component"] == {
        "type": "container",
        "bom-ref": "image",
        "name": "dbt-data-ops",
        "version": "0.1.0",
    }
    assert whole["components"] == [listed, added]
    assert whole["dependencies"] == [
        {"ref": "image", "dependsOn": ["flask==3.1", "pkg:deb/debian/adduser@1"]}, {"ref": "flask==3.1"},
    ]  # fmt: skip


def sbom() -> ModuleType:
    """deploy/image/sbom.py, which is a program of its own."""
    found = importlib.util.spec_from_file_location("sbom", ROOT / "deploy" / "image" / "sbom.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the repository"),
        (["registry.example.org"], "is no repository"),
        (["registry.example.org/data/Image"], "in lower case"),
        (["registry.example.org/data/image:1.0"], "without a tag (--tag TAG)"),
        (["registry.example.org/a", "registry.example.org/b"], "one repository, please"),
        (["--tag", "a b", "registry.example.org/a"], "--tag 'a b' is no tag"),
        (["--tag"], "--tag needs a value"),
        (["--platform", "linux/riscv64", "registry.example.org/a"], "the image is for linux/amd64 and linux/arm64"),
        (["--base", "sha256:12", "registry.example.org/a"], "--base 'sha256:12' is no digest"),
        (["--pull", "registry.example.org/a"], "unknown option '--pull'"),
        (["--with", "oracle", "registry.example.org/a"], "--with 'oracle': there are duckdb and trino"),
        (["--with"], "--with needs a value"),
    ],
)
def test_what_cannot_be_published_is_one_line(arguments: list[str], said: str) -> None:
    asked = subprocess.run([ROOT / "deploy" / "publish.sh", *arguments], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert said in asked.stderr
    assert asked.stderr.count("\n") == 1


DOCKER = """#!/bin/bash
[[ "$1 $2" == "buildx build" ]] || exit 0
platforms=1 into=.
while (($# > 0)); do
  case $1 in
    --metadata-file) echo '"containerimage.digest": "sha256:'$(printf '0%.0s' {1..64})'"' >"$2" ;;
    --platform) [[ $2 != *,* ]] || platforms=2 ;;
    --output) tar=${2#type=tar,dest=} ;;
  esac
  shift
done
[[ $tar == *.tar ]] || exit 0
root=$(mktemp -d)
((platforms == 1)) || into=linux_amd64
mkdir -p "$root/$into/tmp"
echo '{}' >"$root/$into/tmp/sbom.cdx.json"
tar -cf "$tar" -C "$root" --transform 's#^[.]/##' $([[ $into == . ]] && echo tmp || echo linux_amd64)
"""


@pytest.mark.parametrize("platforms", ["linux/amd64", "linux/amd64,linux/arm64"])
def test_the_list_of_contents_is_written_however_many_platforms_are_built(tmp_path: Path, platforms: str) -> None:
    """With a program in place of Docker that puts the files of several platforms into folders of their own, as BuildKit does."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    command = [
        ROOT / "deploy" / "publish.sh",
        "--allow-dirty",
        "--platform",
        platforms,
        "--sbom",
        tmp_path / "list.json",
        "r.example/a",
    ]
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"r.example/a@sha256:{'0' * 64}"
    assert (tmp_path / "list.json").read_text() == "{}\n"


@pytest.mark.parametrize(
    ("with_", "tag", "argument"),
    [("duckdb", "duckdb", "duckdb"), ("trino", "trino", "trino"), ("trino,duckdb,trino", "duckdb-trino", "duckdb,trino")],
)
def test_a_variant_has_a_tag_of_its_own(tmp_path: Path, with_: str, tag: str, argument: str) -> None:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.replace("platforms=1", f'echo "$*" >>{tmp_path}/asked; platforms=1', 1))
    docker.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [ROOT / "deploy" / "publish.sh", "--allow-dirty", "--with", with_, "r.example/a"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    [asked] = (tmp_path / "asked").read_text().splitlines()
    assert f"--tag r.example/a:{__version__}-{tag} " in asked
    assert f"--build-arg WITH={argument} " in asked


def test_a_variant_installs_each_list_there_is() -> None:
    """Each extra of this project has a list that the image may install, and a name that the scripts know."""
    dockerfile, start = (ROOT / "Dockerfile").read_text(), (ROOT / "start-service.sh").read_text()
    for name in EXTRAS:
        assert f"requirements-{name}.txt" in dockerfile
        assert f"$name == {name}" in start
        assert f"$name == {name}" in (ROOT / "deploy" / "publish.sh").read_text()
