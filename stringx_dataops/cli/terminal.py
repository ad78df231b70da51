"""What depends on who reads the output: colours, the width of the terminal, characters that would act on it."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Collection, Sequence

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
}
_NARROWEST = 8  # characters of a column that is made narrower
_GAP = "  "


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


def state(word: str, width: int = 0) -> str:
    """The word of a state in its colour, filled with spaces to the width. Whoever sees no colour has the word."""
    color = _COLORS.get(word)
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


def columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, states: Collection[str] = (), shrink: Sequence[str] = ()
) -> list[str]:
    """Rows as lines whose columns stand below each other; on a terminal with headings, and as wide as it is if possible.

    `states` names the columns of states, `shrink` those that may be cut, the first to be cut first. No line ends
    with spaces.
    """
    cells = [[plain(cell) for cell in row] for row in rows]
    screen = screen_width()
    shown = [list(headings), *cells] if screen is not None else cells
    widths = [max((width_of(row[index]) for row in shown), default=0) for index in range(len(headings))]
    if screen is not None:
        _fit(widths, [headings.index(name) for name in shrink], screen - len(_GAP) * (len(headings) - 1))
    lines = []
    for number, row in enumerate(shown):
        is_heading = screen is not None and number == 0
        parts = [_cell(text, widths[index], headings[index] in states and not is_heading) for index, text in enumerate(row)]
        line = _GAP.join(parts).rstrip()
        lines.append(faint(line) if is_heading else line)
    return lines


def _cell(text: str, width: int, is_state: bool) -> str:
    shown = cut(text, width)
    return state(shown, width) if is_state else filled(shown, width)


def _fit(widths: list[int], order: Sequence[int], cells: int) -> None:
    """Makes columns narrower until all fit, or none may become narrower."""
    for index in order:
        excess = sum(widths) - cells
        if excess > 0:
            widths[index] = max(min(widths[index], _NARROWEST), widths[index] - excess)
