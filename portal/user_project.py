"""The user's own dbt project, as far as the portal shows it."""

import re
from dataclasses import dataclass
from pathlib import Path

from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.json_types import JsonObject

LINK = "project"  # in the folder of a portal's project: a link to the user's project
_DOCS = "docs-paths"
_MODELS = ("model-paths", "seed-paths", "snapshot-paths")
_MAY_HOLD_PAGES = (_DOCS, "macro-paths", *_MODELS)
_OWN_FOLDERS = ("clean-targets", "target-path", "log-path")  # settings that name folders of the user's project only
_OVERVIEW = re.compile(r"{%-?\s*docs\s+__overview__\s")


@dataclass(frozen=True)
class UserProject:
    """A dbt project with models, seeds or snapshots. `settings` is the content of its dbt_project.yml."""

    folder: Path
    settings: JsonObject

    @classmethod
    def find(cls, folder: Path) -> "UserProject | None":
        """The project in this folder; None if it has no models, seeds or snapshots. ValueError if it has no readable settings."""
        settings = dbt_project.settings(folder)
        folders = [folder / path for kind in _MODELS for path in dbt_project.folders_of(settings, kind)]
        return cls(folder, settings) if any(any(found.rglob("*.*")) for found in folders) else None

    @property
    def has_overview(self) -> bool:
        """Whether it has an overview page of its own."""
        folders = {self.folder / path for kind in _MAY_HOLD_PAGES for path in dbt_project.folders_of(self.settings, kind)}
        pages = (page for folder in folders for page in folder.rglob("*.md"))
        return any(_OVERVIEW.search(page.read_text(encoding="utf-8", errors="replace")) for page in pages)

    def linked_settings(self) -> JsonObject:
        """Its settings for a project that includes it: all paths lead through the link `LINK`."""
        kept = {name: value for name, value in self.settings.items() if name not in _OWN_FOLDERS}
        installed = dbt_project.packages_folder(self.folder)
        return kept | self._linked_paths() | {"packages-install-path": str(Path(LINK) / installed.relative_to(self.folder))}

    def _linked_paths(self) -> dict[str, list[str]]:
        """By kind of path. Without `docs-paths`, dbt looks for pages in all folders except those of tests."""
        paths = {
            kind: [f"{LINK}/{path}" for path in dbt_project.folders_of(self.settings, kind)]
            for kind in dbt_project.DEFAULT_FOLDERS
            if kind in self.settings or kind not in ("analysis-paths", _DOCS)
        }
        if _DOCS not in paths:
            paths[_DOCS] = [path for kind, of_kind in paths.items() if kind != "test-paths" for path in of_kind]
        return paths
