"""What PostgreSQL's messages about a run say: a lock that was refused, a character that cannot be stored, values of rows."""

import re

from api.targets.engine import RefusedCharacter, RefusedLock

# The server's words in English. In another language they are not recognised, and the run is not repeated.
_NO_LOCK = re.compile(
    r'could not obtain lock on relation "(.+?)"(?:\s|$)|canceling statement due to (lock timeout)|(deadlock) detected'
)
_NO_CHARACTER = re.compile(r'((?:0x[0-9a-f]{2}\s)+)[^"]*"UTF8"[^"]*"(\w+)"')  # in whatever language the server's messages are
# The server quotes names, which may be shown, behind one of these words. What it quotes elsewhere may be a value of a row.
_NAMED = "relation|column|table|schema|function|role|user|database|type|view|index|operator|parameter|at"
_QUOTED = re.compile(rf"""(?<!\w)({_NAMED}) ("[^"]*")|"[^"]*\"""")
_LATER_PARTS = re.compile(r"\s(?:LINE \d+|DETAIL|HINT|CONTEXT|QUERY): ")  # of an error, after its first sentence


def refused_lock(message: str) -> RefusedLock | None:
    """The lock that was not free, or that ended a deadlock."""
    refused = _NO_LOCK.search(message)
    return RefusedLock(refused[1]) if refused is not None else None


def refused_character(message: str) -> RefusedCharacter | None:
    """The server names the character's bytes, such as `0xe2 0x82 0xac`, and both encodings."""
    refused = _NO_CHARACTER.search(message)
    if refused is None:
        return None
    try:
        character = bytes(int(byte, 16) for byte in refused[1].split()).decode("utf-8")
    except ValueError:  # half a character
        return None
    return RefusedCharacter(character, refused[2])


def without_values(message: str) -> str:
    """The first sentence of an error, in which only quoted names are left."""
    return _QUOTED.sub(lambda match: match[0] if match[1] else '"…"', _LATER_PARTS.split(message)[0])
