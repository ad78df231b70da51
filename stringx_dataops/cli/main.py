"""The command line. Exit codes: 0 pass or open, 1 fail or closed, 2 wrong usage or refused, 3 could not be decided."""

import io
import re
import sys

import click

from stringx_dataops import __version__
from stringx_dataops.cli.lazy import LazyGroup
from stringx_dataops.cli.output import say
from stringx_dataops.cli.terminal import color_by
from stringx_dataops.contract.variables import SettingsError
from stringx_dataops.errors import DataOpsError

_POINTER = re.compile(r"^/(?:query/)?([a-z_]+)(?:/[0-9]+)?:", re.MULTILINE)
_COMMANDS = {
    "audit": ("stringx_dataops.cli.keys:audit", "Who did what, the newest first (scope admin)."),
    "backup": (
        "stringx_dataops.cli.backups:backup",
        "Write what the Backend and DataOps have stored to FILE, or to standard output (scope admin).",
    ),
    "badges": ("stringx_dataops.cli.badges:badges", "Make, list and revoke badges: images of how a gate is."),
    "channels": ("stringx_dataops.cli.channels:channels", "Look at channels, send one a test message (scope admin)."),
    "check": ("stringx_dataops.cli.checks:check", "Check TABLE (schema.table), or the tables of a dataset, of TARGET."),
    "completion": (
        "stringx_dataops.cli.completion:completion",
        "Print what makes a shell complete commands, and names of targets, tables and others.",
    ),
    "datasets": ("stringx_dataops.cli.states:datasets", "List the datasets as they stand."),
    "dlq": ("stringx_dataops.cli.dead_letters:dlq", "Messages of Kafka that could not become requests (dead letters)."),
    "gate": (
        "stringx_dataops.cli.checks:gate",
        "Say whether TABLE (schema.table), or a dataset, of TARGET may be used, and why not.",
    ),
    "gate-verify": (
        "stringx_dataops.cli.verifying:gate_verify",
        "Say what the signed verdict in FILE says, if it can be trusted.",
    ),
    "incidents": (
        "stringx_dataops.cli.incidents:incidents",
        "Look at incidents, acknowledge one, write something down.",
    ),
    "keys": ("stringx_dataops.cli.keys:keys", "Make, list, rotate and revoke keys (scope admin)."),
    "move-database": (
        "stringx_dataops.cli.backups:move_database",
        "Move the embedded internal database of this installation to URL, another PostgreSQL.",
    ),
    "notifications": (
        "stringx_dataops.cli.channels:notifications",
        "Look at messages to people, send one again (scope admin).",
    ),
    "open": ("stringx_dataops.cli.opening:open_", "Open the page of TABLE (schema.table) of TARGET on the dashboard."),
    "points": (
        "stringx_dataops.cli.points:points",
        "Look at the points of a rule, say that one is expected or to be left out.",
    ),
    "profile": (
        "stringx_dataops.cli.profile:profile",
        "Measure the columns of TABLE (schema.table) of TARGET, and suggest rules.",
    ),
    "repeat": ("stringx_dataops.cli.repeat:repeat", "Run the dbt test of a check again, by hand."),
    "requests": ("stringx_dataops.cli.requests:requests", "Look at requests, cancel one."),
    "restore": ("stringx_dataops.cli.backups:restore", "Restore a backup into the internal database of this installation."),
    "routes": (
        "stringx_dataops.cli.channels:routes",
        "Look at routes: which changes of which tables a channel is told of (scope admin).",
    ),
    "rules": (
        "stringx_dataops.cli.rules:rules",
        "Rules as code: check files, compare them with the Backend, apply them, take them back.",
    ),
    "schedules": ("stringx_dataops.cli.schedules:schedules", "Look at schedules, pause, resume or run one."),
    "tables": ("stringx_dataops.cli.states:tables", "List the tables as they stand."),
    "targets": ("stringx_dataops.cli.states:targets", "List the targets: the databases that are checked."),
    "waive": (
        "stringx_dataops.cli.waivers:waive",
        "Have the failing RULE of TABLE (schema.table) of TARGET warn for a while, within limits.",
    ),
    "waivers": ("stringx_dataops.cli.waivers:waivers", "Look at waivers, end one."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--server", help="address of the Backend (STRINGX_BACKEND_URL; default http://127.0.0.1:5002)")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="whether to use colours; auto: on a terminal, unless NO_COLOR is set",
)
@click.pass_context
def cli(context: click.Context, server: str | None, color: str) -> None:
    """Ask for quality checks, ask whether a gate is open, change rules."""
    context.obj = server
    context.color = color_by(color)


def main() -> None:
    """Run the command of the command line and exit; every error is one line on standard error, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # do not fail on terminals without UTF-8
    try:
        code = cli.main(prog_name="dataops", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort:
        code = 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = 2
    except click.ClickException as error:
        code = _say(f"{error.format_message()}; see dataops --help", 2)
    except DataOpsError as error:
        code = _say(_with_options(str(error), sys.argv[1:]), error.exit_code)
    except SettingsError as error:
        code = _say(str(error), 2)
    except UnicodeEncodeError:
        code = _say("an argument is not UTF-8; write it in UTF-8", 2)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        code = _say(f"an answer of the Backend is not as expected ({cause}); is it of the same release?", 3)
    sys.exit(code)


def _with_options(text: str, arguments: list[str]) -> str:
    """The text with the option in place of a field's pointer, where that option was given."""
    given = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}

    def option(found: re.Match[str]) -> str:
        name = f"--{found[1].replace('_', '-')}"
        return f"{name}:" if name in given else found[0]

    return _POINTER.sub(option, text)


def _say(text: str, code: int) -> int:
    say(text)
    return code


if __name__ == "__main__":
    main()
