"""What commands print."""

import json
import os
import sys
from collections.abc import Iterable

import click


def show(text: str) -> None:
    """Print to standard output. A reader that ends early, such as head, does not change the exit code."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes the rest at exit, which must not fail


def show_list(lines: Iterable[str], none: str = "") -> None:
    """Print lines. If there are none, a person at a terminal is told so in the words `none`; a program gets nothing."""
    if text := "\n".join(lines):
        show(text)
    elif none and sys.stdout.isatty():
        say(none)


def show_json(items: Iterable[object]) -> None:
    """Print one JSON object per line."""
    show_list(json.dumps(item, ensure_ascii=False) for item in items)


def say(text: str) -> None:
    """Print each line to standard error, after the command's name."""
    for line in text.splitlines():
        click.echo(one_line(f"dataops: {line}"), err=True)


def plural(number: int, word: str) -> str:
    """The number with the word in the singular or plural."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """The text with its control characters escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
