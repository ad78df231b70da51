"""Two builds of one commit are one image, wherever, whenever and with whatever umask they are made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
BASE = "docker.io/library/python:3.13-slim-trixie"


def succeeds(*command: str) -> bool:
    return (
        shutil.which(command[0]) is not None
        and subprocess.run(command, capture_output=True, check=False, timeout=600).returncode == 0
    )


@pytest.fixture(scope="module")
def builder() -> str:
    """What deploy/publish.sh builds with. Skips where there is none, or no base image."""
    if succeeds("docker", "info") and succeeds("docker", "buildx", "version"):
        return "docker"
    if not succeeds("buildah", "pull", "--quiet", "--policy", "missing", BASE):
        pytest.skip(f"neither a Docker engine with buildx, nor buildah with {BASE}")
    return "buildah"


def build(builder: str, checkout: Path, umask: int) -> tuple[str, bytes]:
    """The digest of the image, and the list of its contents. IMAGE_BUILD_ARGUMENTS are given to the builder."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True, umask=umask)
    listed = checkout.with_suffix(".json")
    image = checkout.with_suffix(".id")
    further = ["--no-cache", "--iidfile", str(image), *os.environ.get("IMAGE_BUILD_ARGUMENTS", "").split()]
    command = ["deploy/publish.sh", "--build-only", "--sbom", str(listed), "localhost/equal/dbt-data-ops", "--", *further]
    done = subprocess.run(
        command, cwd=checkout, umask=umask, env=os.environ | {"BUILDER": builder}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    if builder == "buildah":  # which keeps it without a name
        subprocess.run(["buildah", "rmi", image.read_text().strip()], capture_output=True, check=False)
    repository, _, digest = done.stdout.splitlines()[-1].partition("@")
    assert repository == "localhost/equal/dbt-data-ops"
    return digest, listed.read_bytes()


def test_two_builds_of_a_commit_are_equal(builder: str, tmp_path: Path) -> None:
    first = build(builder, tmp_path / "one", 0o022)
    assert first[0].startswith("sha256:")
    assert build(builder, tmp_path / "another place of a longer name", 0o077) == first
