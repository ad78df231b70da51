"""What the front page shows of a finished project: the content of its file portal.json, which also marks it as finished."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from portal.state import PortalTarget
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.files import write_whole

STATE_FILE = "portal.json"  # in the folder of each finished project


@dataclass(frozen=True)
class ProjectState:
    """A finished project: the names of its tables, the number of tables per verdict, and when it was made (text, UTC).

    `reached`: whether its target was reached; if not, its catalog is older. `sources`: dbt's unique id of each table's source.
    """

    tables: int
    names: list[str]
    verdicts: dict[str, int]
    reached: bool
    made_at: str
    sources: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, target: PortalTarget, reached: bool, sources: Mapping[TableName, str]) -> "ProjectState":
        """The state of a project that has just been generated."""
        names = [table.document.table for table in target.tables]
        verdicts = Counter(table.verdict or "not checked" for table in target.tables)
        ids = {name: sources[TableName.parse(name)] for name in names}
        made_at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        return cls(len(names), names, dict(sorted(verdicts.items())), reached, made_at, ids)

    @classmethod
    def read(cls, folder: Path) -> "ProjectState | None":
        """The state of the project in this folder; None if the project is not finished, or has just been deleted."""
        try:
            content = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        except OSError:
            return None
        sources = content.get("sources", {})  # an earlier release wrote none
        return cls(content["tables"], content["names"], content["verdicts"], content["reached"], content["made_at"], sources)

    def write(self, folder: Path) -> None:
        """Mark the project in this folder as finished."""
        write_whole(folder / STATE_FILE, json.dumps(asdict(self)))
