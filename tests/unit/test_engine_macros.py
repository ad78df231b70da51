"""What the macros that every engine's project loads ask of an engine: each engine answers it, and stringx/README.md lists it."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from api.engine.command import DbtProject
from stringx_dataops.contract.adapters import ADAPTERS, Adapter
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.settings import ROOT

PROJECT = ROOT / "stringx"
SHARED = [PROJECT / "macros" / name for name in ("gate", "common", "profile")]
OTHERS = [PROJECT / "other_adapters" / "macros"]  # what engines other than PostgreSQL share
JINJA = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
# Of rule types that not every engine has.
OF_TYPES = {"stringx_dbt_outcome", "stringx_rule__not_blank"}


@cache
def parsed(path: Path) -> nodes.Template:
    return JINJA.parse(path.read_text(encoding="utf-8"))


def files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*.sql")) if path.name != "materialization.sql")


def folders_of(adapter: Adapter) -> list[Path]:
    """The folders whose macros the adapter's project loads."""
    project = DbtProject(PROJECT, PROJECT).of(adapter).project_dir
    return [(project / folder).resolve() for folder in dbt_project.folders_of(dbt_project.settings(project), "macro-paths")]


def defined(folders: list[Path]) -> list[str]:
    return [macro.name for path in files(folders) for macro in parsed(path).find_all(nodes.Macro)]


def called(folders: list[Path]) -> set[str]:
    calls = (call.node for path in files(folders) for call in parsed(path).find_all(nodes.Call))
    return {node.name for node in calls if isinstance(node, nodes.Name) and node.name.startswith("stringx_")}


ASKED = called(SHARED) - set(defined(SHARED)) - OF_TYPES
ASKED_OF_OTHERS = called(OTHERS) - set(defined([*SHARED, *OTHERS])) - ASKED


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_engine_answers_all_that_is_asked_once(adapter: Adapter) -> None:
    macros = Counter(defined(folders_of(adapter)))
    assert [name for name, times in macros.items() if times > 1] == []
    assert ASKED - set(macros) == set()
    assert called(folders_of(adapter)) - set(macros) - OF_TYPES == set(), "macros that nobody defines"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_engine_loads_what_is_shared(adapter: Adapter) -> None:
    loaded = set(files(folders_of(adapter)))
    assert loaded >= set(files([folder.resolve() for folder in SHARED]))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        (ASKED, "### The steps of a check", "`macros/common/` has,"),
        (ASKED_OF_OTHERS, "### What other engines share", "## DuckDB"),
    ],
)
def test_the_page_lists_what_an_engine_has_to_answer(asked: set[str], start: str, end: str) -> None:
    page = (PROJECT / "README.md").read_text(encoding="utf-8")
    tables = page.partition(start)[2].partition(end)[0]
    listed = re.findall(
        r"`(stringx_\w+)\(", "\n".join(row.split(" | ")[0] for row in tables.splitlines() if row.startswith("| "))
    )
    assert sorted(listed) == sorted(asked)
