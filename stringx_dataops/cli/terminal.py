"""What depends on who reads the output: colours, the width of the terminal, characters that would act on it."""

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import click

_COLORS = {
    "pass": "green",
    "open": "green",
    "active": "yellow",
    "warn": "yellow",
    "stale": "yellow",
    "fail": "red",
    "closed": "red",
    "error": "magenta",
    "errored": "magenta",
    "timed_out": "magenta",
    "refused": "magenta",
    "queued": "cyan",
    "running": "cyan",
    "waiting": "cyan",
    "delivered": "green",
    "failed": "red",
    "paused": "yellow",
}
_GAP = "  "
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def color_by(choice: str) -> bool | None:
    """Whether to use colours; None: on terminals alone. `choice` is that of `--color`; NO_COLOR, CLICOLOR_FORCE and TERM=dumb
    decide where it is `auto`."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return False if os.environ.get("TERM") == "dumb" or os.environ.get("CLICOLOR") == "0" else None


def state(word: str, width: int = 0, colors: Mapping[str, str] | None = None) -> str:
    """The word of a state in its colour, filled with spaces to the width. Whoever sees no colour has the word."""
    color = (_COLORS if colors is None else colors).get(word)
    return (click.style(word, fg=color, bold=color == "red") if color else word) + " " * (width - len(word))


def faint(text: str) -> str:
    """What matters less than the rest of a line."""
    return click.style(text, dim=True)


def plain(value: object) -> str:
    """A text of somebody else in one line, without characters that act on a terminal: an escape stands in place of each."""
    text = " ".join(str(value).split())
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def width_of(text: str) -> int:
    """The cells that a text takes on a terminal: Chinese and Japanese characters take two, accents of their own none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def cut(text: str, cells: int) -> str:
    """The text if it fits, else its beginning and an ellipsis."""
    if width_of(text) <= cells:
        return text
    used, kept = 1, ""
    for each in text:
        used += width_of(each)
        if used > cells:
            break
        kept += each
    return f"{kept}…"


def filled(text: str, cells: int) -> str:
    """The text with spaces up to so many cells."""
    return text + " " * (cells - width_of(text))


def screen_width() -> int | None:
    """Columns of the terminal that standard output is; None if it is none, where nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@dataclass(frozen=True)
class Column:
    """A column of a list. `least`: the cells that it may be cut to, None: it is never cut. `keeps_end`: the beginning is cut off,
    as of names whose end says more. `drops`: on narrow terminals the column with the highest number is left out first, 0: never.
    `colors`: of the words of its states, where these are not those of gates, checks and messages."""

    heading: str
    _: KW_ONLY
    is_state: bool = False
    colors: Mapping[str, str] | None = None
    is_time: bool = False
    keeps_end: bool = False
    least: int | None = None
    drops: int = 0


def columns(kinds: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns stand below each other. On a terminal they have headings, and are as wide as it is: times are
    shortened to minutes (UTC), empty columns left out, others cut or left out. Elsewhere each line holds everything."""
    screen = screen_width()
    cells = [[plain(cell) for cell in row] for row in rows]
    if not cells:
        return []
    if screen is None:
        widths = [max(width_of(row[index]) for row in cells) for index in range(len(kinds))]
        return [_line(kinds, row, widths) for row in cells]
    cells = [[_minute(cell) if kind.is_time else cell for kind, cell in zip(kinds, row, strict=True)] for row in cells]
    kept = [index for index in range(len(kinds)) if any(row[index] for row in cells)]
    while True:
        shown = [kinds[index] for index in kept]
        parts = [[kind.heading for kind in shown], *([row[index] for index in kept] for row in cells)]
        widths, fits = _fitted(shown, [max(map(width_of, column)) for column in zip(*parts, strict=True)], screen)
        droppable = max(kept, key=lambda index: kinds[index].drops)
        if fits or kinds[droppable].drops == 0:
            break
        kept.remove(droppable)
    headings, *lines = (_line(shown, row, widths) for row in parts)
    return [faint(click.unstyle(headings)), *lines]


def _fitted(kinds: Sequence[Column], widths: list[int], screen: int) -> tuple[list[int], bool]:
    """The widths of columns, the last ones cut first, and whether all of them fit."""
    room = screen - len(_GAP) * (len(kinds) - 1)
    for index in reversed(range(len(kinds))):
        least, excess = kinds[index].least, sum(widths) - room
        if least is not None and excess > 0:
            widths[index] = max(min(widths[index], least), widths[index] - excess)
    return widths, sum(widths) <= room


def _line(kinds: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for kind, text, width in zip(kinds, row, widths, strict=True):
        shown = cut(text[::-1], width)[::-1] if kind.keeps_end else cut(text, width)
        parts.append(state(shown, width, kind.colors) if kind.is_state else filled(shown, width))
    return _GAP.join(parts).rstrip()


def _minute(text: str) -> str:
    return f"{text[:10]} {text[11:16]}" if _MOMENT.match(text) else text


def folded(text: str, indent: int) -> str:
    """A line that is broken between words where the terminal ends; what follows is indented. Colours take no room."""
    screen = screen_width()
    if screen is None or width_of(click.unstyle(text)) <= screen:
        return text
    begin = text[: len(text) - len(text.lstrip(" "))]
    lines = [begin]
    for word in re.split(r"(?<=\S) ", text[len(begin) :]):
        joined = f"{lines[-1]}{' ' if lines[-1].strip() else ''}{word}"
        if width_of(click.unstyle(joined)) <= screen or not lines[-1].strip():
            lines[-1] = joined
        else:
            lines.append(" " * indent + word)
    return "\n".join(lines)
