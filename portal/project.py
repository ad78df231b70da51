"""Writes a dbt project of the portal: its settings, its macros, the sources of its tables, and its first page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from portal.first_page import first_page
from portal.sources import Names, sources
from portal.state import PortalTarget
from portal.user_project import LINK, UserProject
from stringx_dataops import __version__
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.json_types import JsonObject

RULE_TESTS = "test_name:stringx_shown_rule"  # dbt's selector for the tests that represent rules
_HEAD = "# Written by the docs portal; changes are lost. The rules run in the service: `dataops check TARGET TABLE`.\n"
_MACROS = Path(__file__).with_name("macros")
_DOCS = "docs"
_SOURCES = Path("models") / "sources"  # one file per table, so that dbt reads only changed ones again


@dataclass(frozen=True)
class Project:
    """A dbt project of the portal: a target with the tables that it shows, and dbt's names for them.

    `parts` are folders below `folder` whose sources it includes.
    """

    folder: Path
    target: PortalTarget
    names: Names
    user_project: UserProject | None
    shows_models: bool = True  # whether the user's project becomes part of it, with its macros and packages
    parts: Sequence[str] = ()
    to_front_page: str = "../"  # the relative address of the list of all targets

    def write(self, profiles: Path) -> None:
        """Write all its files, each atomically; files whose content has not changed are not written. `profiles` is the folder
        of profiles.yml."""
        settings = self._settings()
        _put(self.folder / "dbt_project.yml", _HEAD + _dump(settings))
        _put(self.folder / "profiles.yml", (profiles / "profiles.yml").read_text(encoding="utf-8"))
        macros = {"stringx_shown_rule.sql": "stringx_shown_rule.sql", "catalog.sql": f"{self.target.document.adapter}.sql"}
        for name, origin in macros.items():
            _put(self.folder / "macros" / name, (_MACROS / origin).read_text(encoding="utf-8"))
        files = {name: _dump(content) for name, content in sources(self.target, self.names, self._prefix)}
        for name, text in files.items():
            _put(self.folder / _SOURCES / name, text)
        for left in (self.folder / "macros").glob("*.sql"):  # of an earlier release
            if left.name not in macros:
                left.unlink()
        self._write_first_page()
        for left in (self.folder / _SOURCES).parent.rglob("*.yml"):
            if left.parent != self.folder / _SOURCES or left.name not in files:
                left.unlink()
        self._link()

    def source_ids(self) -> dict[TableName, str]:
        """dbt's unique id of the source of each table of the target."""
        name = self._settings()["name"]
        return {table: f"source.{name}.{self._prefix}{schema}.{word}" for table, (schema, word) in self.names.items()}

    @property
    def _included(self) -> UserProject | None:
        return self.user_project if self.shows_models else None

    @property
    def _prefix(self) -> str:
        """Of the names of sources: the user's models may have sources of the same names."""
        return "stringx_" if self.user_project is not None else ""

    def _settings(self) -> JsonObject:
        """The content of dbt_project.yml: a new one, or the user's with paths through the link to the user's project."""
        models = ["models", *(f"{part}/models" for part in self.parts)]
        if self._included is not None:
            linked = self._included.linked_settings()
            added = {"model-paths": models, "macro-paths": ["macros"], "docs-paths": [_DOCS]}
            return linked | {kind: linked[kind] + paths for kind, paths in added.items()}
        return {
            "name": "stringx_" + re.sub(r"\W", "_", self.target.document.name),
            "version": __version__,
            "config-version": 2,
            "profile": "stringx",
            "model-paths": models,
            "macro-paths": ["macros"],
            "docs-paths": [_DOCS],
            "flags": {"send_anonymous_usage_stats": False},
        }

    def _write_first_page(self) -> None:
        """Write the overview, unless there is nothing to show or the user's project has one."""
        path = self.folder / _DOCS / "overview.md"
        if not self.target.tables or (self._included is not None and self._included.has_overview):
            path.unlink(missing_ok=True)
            return
        _put(path, first_page(self.target, self.source_ids(), self.to_front_page))

    def _link(self) -> None:
        """Make the link to the user's project if that is included; otherwise remove it."""
        link = self.folder / LINK
        wanted = self._included.folder.resolve() if self._included is not None else None
        if link.is_symlink() and link.readlink() != wanted:
            link.unlink()
        if wanted is not None and not link.is_symlink():
            link.symlink_to(wanted)


def _dump(value: JsonObject) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)


def _put(path: Path, text: str) -> None:
    """Write a file unless it holds this text already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
