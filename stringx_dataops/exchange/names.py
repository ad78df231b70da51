"""Ids of rules: readable, unique in their table, and the same in each run. Names of files."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

_MOST = 63
_UNSAFE = re.compile(r"[^a-z0-9._-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")  # of Windows, with any ending
_LONGEST = 100  # characters of a file's name


def rule_id(words: str) -> str:
    """The words as the id of a rule. What is too long is cut, and marked by a hash of all of it."""
    slug = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    if not slug:
        slug = f"rule_{_hash(words)}"
    return slug if len(slug) <= _MOST else f"{slug[: _MOST - 9].rstrip('_')}_{_hash(words)}"


def unique_ids(wanted: Sequence[str]) -> list[str]:
    """The ids, in which a repeated one gets _2, _3 and so on, in their order."""
    taken: set[str] = set(wanted)
    seen: set[str] = set()
    found = []
    for name in wanted:
        unique, number = name, 1
        while unique in seen or (number > 1 and unique in taken):
            number += 1
            end = f"_{number}"
            unique = name[: _MOST - len(end)] + end
        seen.add(unique)
        found.append(unique)
    return found


def file_name(text: str) -> str:
    """A name that every file system takes, and that no other text has: the text itself if that is safe, else with a hash."""
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFKD", text).lower())[:_LONGEST].strip(".-_ ") or "x"
    if safe == text and not _RESERVED.match(safe):
        return safe
    return f"{'x_' if _RESERVED.match(safe) else ''}{safe}-{_hash(text)}"


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:8]
