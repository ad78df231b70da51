"""Files that appear whole: written beside their place, then renamed."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write or replace a text file (UTF-8). A reader sees the old file or the new one, never a part; not synced to the disk.

    The folder must exist, and one process at a time may write a path. OSError as of any write."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
