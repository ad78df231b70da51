"""Canaries beside a target, and a warm child whose environment holds a secret."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from api.engine import isolation
from api.engine.command import Answer, DbtProject
from api.engine.pool import Child, Nursery
from contract.environment import ROOT
from tests.conftest import Admin, make_target
from tests.safety.canaries import VARIABLE, Canaries


@dataclass
class Gate:
    """Runs specifications as a worker does, and keeps what was answered."""

    child: Child
    home: Path  # of the process that has loaded dbt
    folder: Path
    environment: dict[str, str]
    answers: list[tuple[str, str]] = field(default_factory=list)

    def run(self, spec: dict[str, Any]) -> Answer:
        def once(gate: dict[str, Any]) -> Answer:
            self.child.ensure_warm()
            return self.child.run(gate, self.folder, self.environment, 120)

        answer = isolation.answer_of(once, spec)
        self.answers.append((f"answer {len(self.answers)}", f"{answer.message}\n{answer.outcome}"))
        return answer


@pytest.fixture(scope="module")
def canaries(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    """A target with the canaries in it, one for all tests of a module."""
    made = Canaries(make_target(admin, tmp_path_factory.mktemp("secrets")))
    made.place()
    yield made
    made.remove()
    admin.run(f"drop database {made.target.dbname} with (force)")


@pytest.fixture(scope="module")
def make_gate(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gate]]:
    """A warm child on a project (by default the real one); the secret is in its environment."""
    started = ExitStack()

    def make(project: Path = ROOT / "stringx", **more: str) -> Gate:
        home = tmp_path_factory.mktemp("child")
        child = started.enter_context(Nursery(DbtProject(project, project), home).child(max_checks=100_000))
        variables = canaries.target.environment() | {VARIABLE: canaries.secret} | more
        return Gate(child, home, tmp_path_factory.mktemp("runs"), variables)

    with started:
        yield make


@pytest.fixture
def project_copy(tmp_path: Path) -> Path:
    """A copy of the dbt project, to be broken."""
    shutil.copytree(ROOT / "stringx", tmp_path / "stringx", ignore=shutil.ignore_patterns("target", "logs"))
    return tmp_path / "stringx"


@pytest.fixture(scope="module")
def internal_url_of_module(admin: Admin, internal_template: str) -> Iterator[str]:
    """The address of a migrated internal database for the tests of a module."""
    name = f"internal_{secrets.token_hex(6)}"
    admin.run(f"create database {name} template {internal_template}")
    yield admin.url(name)
    admin.run(f"drop database {name} with (force)")
