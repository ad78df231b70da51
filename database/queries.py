"""SQL in named blocks of a `.sql` file: `-- name: claim` begins a block, the comment lines after it say why."""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: *([a-z_]+) *$", re.MULTILINE)


def load_queries(path: Path) -> dict[str, str]:
    """The blocks of a file by name; ValueError where a name stands twice."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, blocks = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: a block name stands twice")
    return {name: block.strip() for name, block in zip(names, blocks, strict=True)}


def together(*statements: str) -> str:
    """Joins statements into one text: one round trip, all or nothing. Rows and row count are those of the last."""
    return ";\n".join(statements)
