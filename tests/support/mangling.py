"""Documents with a value in the wrong place."""

import copy
import random
from typing import Any

JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "a" * 300,
    "${x}",
    "it's \" \\ \n;",
    [],
    [[]],
    {},
    {"x": {}},
    [None],
    [{"a": 1}],
    10**30,
    "\u0001",
]


def mangled(document: Any, chance: random.Random) -> Any:
    """The document with one value, or one key, replaced by junk."""
    broken = copy.deepcopy(document)
    places = list(_places(broken))
    holder, key = chance.choice(places)
    if isinstance(holder, dict) and chance.random() < 0.2:
        holder[chance.choice(["", "x", "checks for", "${x}", "row_count > ", "a (", 'checks for "a"'])] = holder.pop(key)
    else:
        holder[key] = copy.deepcopy(chance.choice(JUNK))
    return broken


def _places(value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
