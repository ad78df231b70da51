"""What the fields of another tool's YAML must look like. What does not fit is told, and left out, so that no reader drops it."""

from collections.abc import Callable
from collections.abc import Mapping as Known
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.exchange.foreign import Items, Mapping

Tell = Callable[[int, str], None]  # the line, and what does not fit


@dataclass(frozen=True)
class Plain:
    """A value that is one of some types; of any if there are none."""

    words: str = "anything"
    types: tuple[type, ...] = ()

    def fits(self, value: Any) -> bool:
        """Whether the value is of a type; a boolean is no number."""
        return not self.types or (isinstance(value, self.types) and (bool in self.types or not isinstance(value, bool)))


@dataclass(frozen=True)
class Many:
    """A list of values of one shape."""

    of: "Shape"
    words: str = "a list, each entry with a dash"


@dataclass(frozen=True)
class Fields:
    """A mapping with the fields that are known; those of `free` may be anything, because they hold no check."""

    known: "Known[str, Shape]"
    free: frozenset[str] = field(default_factory=frozenset)
    words: str = "a mapping"
    open: bool = False  # any other field is one of `free`


Shape = Plain | Many | Fields
ANYTHING = Plain()
FLAG = Plain("true or false", (bool,))
TEXT = Plain("a text", (str,))
NAME = Plain("a name", (str, int, float))
WHOLE = Plain("a whole number", (int,))


def fitted(value: Any, shape: Shape, line: int, tell: Tell, name: str = "") -> Any:
    """The value without what does not fit, which is told. A null says nothing, and fits."""
    if value is None:
        return None
    if isinstance(shape, Plain):
        if not shape.fits(value):
            tell(line, f"{name} {_shown(value)} is not taken up: it must be {shape.words}".strip())
            return None
        return value
    if isinstance(shape, Many):
        return _list(value, shape, line, tell, name)
    if not isinstance(value, Mapping):
        tell(line, f"{name} {_shown(value)} is not taken up: it must be {shape.words}".strip())
        return None
    return _mapping(value, shape, tell, name)


def _list(value: Any, shape: Many, line: int, tell: Tell, name: str) -> Items | None:
    if not isinstance(value, list):
        tell(line, f"{name} {_shown(value)} is not taken up: it must be {shape.words}".strip())
        return None
    lines = value.lines if isinstance(value, Items) else [line] * len(value)
    found = Items()
    found.lines = []
    for number, (item, its_line) in enumerate(zip(value, lines, strict=True), 1):
        called = f"{name}, entry {number}:" if name else f"entry {number}:"
        if item is None:
            tell(its_line, f"{called} is empty")
            continue
        kept = fitted(item, shape.of, its_line, tell, called)
        if kept is not None:
            found.append(kept)
            found.lines.append(its_line)
    return found


def _mapping(value: Mapping, shape: Fields, tell: Tell, name: str) -> Mapping:
    found = Mapping()
    found.line, found.lines = value.line, value.lines
    for key, item in value.items():
        called = f"{name} {key}".strip()
        if key in shape.known:
            kept = fitted(item, shape.known[key], value.line_of(key), tell, called)
            if kept is not None or item is None:
                found[key] = kept
        elif shape.open or key in shape.free:
            found[key] = item
        elif item is not None:
            tell(value.line_of(key), f"the field {called} is not known here, and is not taken up")
    return found


def _shown(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:40]}…"
