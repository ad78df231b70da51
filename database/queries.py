"""SQL in named blocks of a `.sql` file: `-- name: claim` begins a block, and the comment lines below it explain it."""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: *([a-z_]+) *$", re.MULTILINE)


def load_queries(path: Path) -> dict[str, str]:
    """The blocks of a file by name. Raises ValueError if two blocks have one name."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, blocks = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: a block name stands twice")
    return {name: block.strip() for name, block in zip(names, blocks, strict=True)}


def together(*statements: str) -> str:
    """Join statements into one text, which is one round trip. Rows and row count are those of the last statement."""
    return ";\n".join(statements)


def losable(*statements: str) -> str:
    """Join statements whose loss does no harm if the database server crashes within the next second: they do not wait for the
    disk. Only outside of a transaction: the text is one by itself."""
    return together("set local synchronous_commit = off", *statements)
