"""Arguments and options that several commands have."""

import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from stringx_dataops.cli import completing

_Command = TypeVar("_Command", bound=Callable[..., Any])
MOST = 10_000  # items that a list prints


class OneOf(click.ParamType[str]):
    """One of these words; what is none of them is refused with the one that is most like it."""

    name = "word"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """Refuses other words, upper case too."""
        if value in self.words:
            return value
        self.fail(f"{value!r} is none of {', '.join(self.words)}{meant(value, self.words)}", param, context)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The words themselves, in `--help`."""
        return "|".join(self.words)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """The words that begin so."""
        return completing.items(word for word in self.words if word.startswith(incomplete))


class TargetName(click.ParamType[str]):
    """A target's name; the Backend checks its form."""

    name = "target"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """Refuses what a path of the API would take for something else."""
        if value in ("", "datasets"):
            self.fail(f"{value!r} is no name of a target; for a dataset write TARGET --dataset NAME", param, context)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Names of targets."""
        return completing.targets(ctx, param, incomplete)


def meant(value: str, words: Sequence[str]) -> str:
    """A question for the word that is most like the value; empty if none is."""
    found = difflib.get_close_matches(value.lower(), words, 1)
    return f"; did you mean {found[0]}?" if found else ""


def confirm(question: str) -> None:
    """Returns if a person at a terminal says yes. Raises UsageError without a terminal, and Abort at no."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody can be asked here; add --yes")
    click.confirm(question, abort=True, err=True)


def limit(default: int, order: str) -> Callable[[_Command], _Command]:
    """`--limit`: how many items, whatever the size of a page."""
    said = f"how many, {order}" if order else "how many"
    return click.option("--limit", type=click.IntRange(1, MOST), default=default, show_default=True, help=said)


def example(*lines: str) -> str:
    """The end of a command's `--help`: commands to copy."""
    head = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", head, *(f"  {line}" for line in lines)])


YES = click.option("--yes", is_flag=True, help="do not ask")
AS_JSON_LINES = click.option("--json", "as_json", is_flag=True, help="print one JSON object per line")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="print the API's answer")
FOR_TARGET = click.option("--target", type=TargetName(), metavar="TARGET", help="only those of this target")
JUNIT = click.option(
    "--junit",
    "junit_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True),
    help="also write the results to FILE as JUnit XML: a suite per table, a case per rule",
)


def require_subject(table: str | None, dataset: str | None, everything: bool = False) -> None:
    """Raises UsageError unless exactly one is given."""
    if everything and (table is not None or dataset is not None):
        raise click.UsageError(f"--all and {'TABLE' if table is not None else '--dataset'} are both given; keep one")
    if table is not None and dataset is not None:
        raise click.UsageError("TABLE and --dataset are both given; keep one")
    if not table and not dataset and not everything:
        raise click.UsageError("Missing argument 'TABLE', or --dataset NAME")
