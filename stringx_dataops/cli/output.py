"""What commands print."""

import os
import sys

import click


def show(text: str) -> None:
    """Print to standard output. A reader that ends early, such as head, does not change the exit code."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes the rest at exit, which must not fail


def say(text: str) -> None:
    """Print each line to standard error, after the command's name."""
    for line in text.splitlines():
        click.echo(f"dataops: {line}", err=True)
