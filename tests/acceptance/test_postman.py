"""The Postman collection, run by newman as in Postman, and that it holds every endpoint."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from stringx_dataops.contract.settings import ROOT
from tests.support.node import installed
from tests.support.service import Service

COLLECTION = ROOT / "postman" / "stringx.postman_collection.json"
ENVIRONMENT = ROOT / "postman" / "local.postman_environment.json"
FOLDER = ROOT / "tests" / "newman"


@pytest.fixture(scope="module")
def newman() -> str:
    """As pinned in tests/newman."""
    return str(installed(FOLDER) / ".bin" / "newman")


def leaves(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield from leaves(item["item"]) if "item" in item else [item]


def test_the_whole_collection_passes(service: Service, newman: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [newman, "run", str(COLLECTION), "--environment", str(ENVIRONMENT)]
    command += ["--reporters", "cli,json", "--reporter-json-export", str(report), "--color", "off", "--disable-unicode"]
    for name, value in (("dataops_url", service.dataops), ("backend_url", service.backend), ("api_key", service.key)):
        command += ["--env-var", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    stats = json.loads(report.read_text())["run"]["stats"]
    number = len(list(leaves(json.loads(COLLECTION.read_text())["item"])))
    assert (stats["requests"]["total"], stats["requests"]["failed"], stats["assertions"]["failed"]) == (number, 0, 0)
    assert stats["assertions"]["total"] > number


def test_every_endpoint_stands_in_the_collection(service: Service) -> None:
    listed = {
        (item["request"]["url"]["host"][0], item["request"]["method"], tuple(item["request"]["url"]["path"]))
        for item in leaves(json.loads(COLLECTION.read_text())["item"])
    }

    def is_listed(host: str, method: str, path: str) -> bool:
        wanted = path.removeprefix("/").split("/")
        return any(
            (host, method) == found[:2]
            and len(found[2]) == len(wanted)
            and all(part.startswith("{") or part == given for part, given in zip(wanted, found[2], strict=True))
            for found in listed
        )

    missing = [
        f"{method.upper()} {path}"
        for host, address in (("{{dataops_url}}", service.dataops), ("{{backend_url}}", service.backend))
        for path, operations in requests.get(f"{address}/openapi.json", timeout=60).json()["paths"].items()
        for method in operations
        if not is_listed(host, method.upper(), path)
    ]
    assert missing == []


def test_every_request_says_what_it_is_for_and_tests_its_answer() -> None:
    for item in leaves(json.loads(COLLECTION.read_text())["item"]):
        tests = [event for event in item["event"] if event["listen"] == "test"]
        assert "pm.test(" in "".join(tests[0]["script"]["exec"]), item["name"]
        assert item["request"]["description"], item["name"]


def test_no_key_and_no_host_of_a_registry_is_committed() -> None:
    values = {value["key"]: value["value"] for value in json.loads(ENVIRONMENT.read_text())["values"]}
    assert values["api_key"] == ""
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()
