"""What a dbt project says outside of its YAML files for models, so that these files alone do not tell everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stringx_dataops.exchange.foreign import Mapping, files_below, read_yaml_file

_OF_MODELS = ("schema", "alias", "enabled", "quote_columns", "materialized")
_HARMLESS = ("store_failures", "store_failures_as", "schema", "database", "alias", "tags", "meta", "group", "limit")
ADVICE = "import target/manifest.json instead"


def losses_of_project(folder: Path) -> Iterator[tuple[str, str]]:
    """(place, words) of singular tests, and of settings in dbt_project.yml that decide about tests or name tables."""
    file = folder / "dbt_project.yml"
    if not file.is_file():
        return
    for project in read_yaml_file(file):
        if not isinstance(project, Mapping):
            continue
        for kind in ("models", "seeds", "snapshots"):
            for line, name in _settings(project.get(kind), project.line_of(kind)):
                if name in _OF_MODELS and not (name == "materialized" and kind != "models"):
                    yield f"{file}:{line}", f"{kind}: {name} is set for several of them, which is not read here; {ADVICE}"
        quoting = project.get("quoting")
        if isinstance(quoting, dict) and any(quoting.get(part) is False for part in ("schema", "identifier")):
            words = f"quoting: false changes the case of names, which is not read here; {ADVICE}"
            yield f"{file}:{project.line_of('quoting')}", words
        for kind in ("tests", "data_tests"):
            for line, name in _settings(project.get(kind), project.line_of(kind)):
                if name not in _HARMLESS:
                    yield f"{file}:{line}", f"{kind}: {name} is set for several tests, which is not read here; {ADVICE}"
        for name in _texts(project.get("test-paths") or ["tests"]):
            for test in files_below([folder / name] if (folder / name).is_dir() else [], (".sql",), ("generic",)):
                yield str(test), f"is a singular test; write its query as a rule of type sql, or {ADVICE}"


def _settings(value: Any, line: int) -> Iterator[tuple[int, str]]:
    """The settings in a tree of folders: names with a plus in front, and those whose value is no mapping; each with its line."""
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if name.startswith("+"):
            yield value.line_of(name), name[1:]
        elif isinstance(item, dict):
            yield from _settings(item, value.line_of(name))
        else:
            yield value.line_of(name), name


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
