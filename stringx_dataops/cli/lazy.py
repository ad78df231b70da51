"""Groups whose commands are imported when they are called, so that `--help` and the others start fast."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """`lazy`: name of a command, to where it is (module:attribute) and what `--help` of the group says of it, which is the first
    sentence of its docstring; a test compares the two."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in `--help`; imports none of them."""
        rows = [(name, self.lazy[name][1]) for name in self.list_commands(ctx) if name in self.lazy]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Names of commands with what they do, and options; imports no command."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name in self.lazy and name.startswith(incomplete)]
        found = [CompletionItem(name, help=self.lazy[name][1]) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]
