"""`dataops completion`: the script that makes a shell complete."""

import click

from stringx_dataops.cli.options import example
from stringx_dataops.cli.output import show

VARIABLE = "_DATAOPS_COMPLETE"  # click reads it where the shell asks for completions


@click.command(
    epilog=example(
        "dataops completion bash > ~/.local/share/bash-completion/completions/dataops",
        'eval "$(dataops completion zsh)"  # in ~/.zshrc, after compinit',
        "dataops completion fish > ~/.config/fish/completions/dataops.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print what makes a shell complete commands, and names of targets, tables and others. Names come from the Backend, with your
    key; without an answer within a second there are none. Bash needs version 4.4."""
    from click.shell_completion import get_completion_class

    known = get_completion_class(shell)
    assert known is not None
    script = known(context.find_root().command, {}, "dataops", VARIABLE)
    show(script.source_template % script.source_vars())  # `source` runs bash to look at its version
    return 0
