"""Finds and reads the files that a command names: files, folders, `-` for standard input. All of it is bounded."""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

STDIN = "-"
ENDINGS = (".yml", ".yaml")
MOST_FILES = 10_000
MOST_ENTRIES = 200_000  # that are looked at in folders
MOST_LEVELS = 64
MOST_BYTES = 32 * 1024 * 1024  # of all files together, because the Backend takes as many in one stream

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(allow_dash=True))


@dataclass(frozen=True)
class File:
    """A file as a command reads it: its name, for messages, and its bytes. `fault` says why there are none."""

    name: str
    body: bytes = b""
    fault: str | None = None


def read_files(paths: Sequence[str]) -> list[File]:
    """All files of the paths, each once: folders recursively, their *.yml and *.yaml sorted by path, hidden ones left out."""
    found: list[File] = []
    seen: set[tuple[int, int]] = set()
    left = MOST_BYTES
    for name, fault in _named(paths):
        file = File(name, fault=fault) if fault else _read(name, left, seen)
        if file is None:
            continue
        left -= len(file.body)
        found.append(file)
        if left < 0:
            size = f"{MOST_BYTES // 1024 // 1024} MiB"
            words = f"the files hold more than {size} together, and one stream takes no more; give fewer of them at a time"
            return [*found[:-1], File(name, fault=words)]
    return found


def _named(paths: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """The names of files, each with what is wrong with it."""
    count = 0
    for path in paths:
        alone: list[tuple[str, str | None]] = [(path, None)]
        for name, fault in alone if path == STDIN or not os.path.isdir(path) else _in_folder(path):
            count += 1
            if count > MOST_FILES:
                yield name, f"is file number {MOST_FILES + 1:,}; give fewer files at a time"
                return
            yield name, fault


def _in_folder(top: str) -> Iterator[tuple[str, str | None]]:
    """The files below a folder. A folder that a link leads to a second time is left out."""
    names: list[str] = []
    faults: list[tuple[str, str | None]] = []
    folders, seen, looked_at = [(top, 0)], set(), 0
    while folders:
        folder, level = folders.pop()
        try:
            about = os.stat(folder)
            if (about.st_dev, about.st_ino) in seen:
                continue
            seen.add((about.st_dev, about.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    looked_at += 1
                    if looked_at > MOST_ENTRIES or level > MOST_LEVELS:
                        limit = f"more than {MOST_ENTRIES:,} entries" if level <= MOST_LEVELS else "too many folders in folders"
                        yield top, f"holds {limit}; name the folder with the rules"
                        return
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        folders.append((entry.path, level + 1))
                    elif entry.name.endswith(ENDINGS) and (entry.is_file() or not os.path.exists(entry.path)):
                        names.append(entry.path)
                    elif entry.name.endswith(ENDINGS):
                        faults.append((entry.path, "is a pipe or device, and no file; leave it out"))
        except OSError as error:
            faults.append((folder, f"cannot be read ({error.strerror})"))
    if not names and not faults:
        faults.append((top, "holds no *.yml or *.yaml; name the folder with the rules"))
    yield from faults
    yield from ((name, None) for name in sorted(names, key=lambda name: Path(name).parts))


def _read(name: str, left: int, seen: set[tuple[int, int]]) -> File | None:
    """The file, at most one byte more than are `left`; None if it was read before under another name."""
    try:
        if name == STDIN:
            return File("<stdin>", sys.stdin.buffer.read(left + 1))
        with open(name, "rb") as stream:
            about = os.fstat(stream.fileno())
            if (about.st_dev, about.st_ino) in seen and stat.S_ISREG(about.st_mode):
                return None
            seen.add((about.st_dev, about.st_ino))
            return File(name, stream.read(left + 1))
    except OSError as error:
        return File(name, fault=f"cannot be read ({error.strerror})")
