"""The command line. Exit codes: 0 pass or open, 1 fail or closed, 2 wrong usage or refused, 3 could not be decided."""

import io
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import click

from stringx_dataops import __version__
from stringx_dataops.cli import render
from stringx_dataops.cli.answers import ChangesAnswer, GateAnswer, RequestAnswer
from stringx_dataops.cli.dead_letters import dlq
from stringx_dataops.cli.exchange import import_
from stringx_dataops.cli.files import count_documents, read_text
from stringx_dataops.cli.requests import requests
from stringx_dataops.cli.trials import try_
from stringx_dataops.cli.waiting import EXIT, PATIENCE_S, POLL_S, follow, persist
from stringx_dataops.client import Client, Refused, Undecided, path_of, require
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import TERMINAL
from stringx_dataops.contract.settings import SettingsError

_SECONDS = click.IntRange(1, 86400)

_DATASET = click.option("--dataset", metavar="NAME", help="all tables of this dataset, in place of TABLE")


class _Target(click.ParamType[str]):
    """A target's name; the Backend checks its form."""

    name = "target"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        if value in ("", "datasets"):
            self.fail(f"{value!r} is no name of a target; for a dataset write TARGET --dataset NAME", param, context)
        return value


class _WaitingCommand(click.Command):
    """`--wait` without a number means `--wait 600`, whatever follows it."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        following = [*args, ""][1:]
        alone = f"--wait={PATIENCE_S}"
        filled = [alone if arg == "--wait" and not after.isdigit() else arg for arg, after in zip(args, following, strict=True)]
        return super().parse_args(context, filled)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--server", help="address of the Backend (STRINGX_BACKEND_URL; default http://127.0.0.1:5002)")
@click.pass_context
def cli(context: click.Context, server: str | None) -> None:
    """Ask for quality checks, ask whether a gate is open, change rules."""
    context.obj = server


@cli.command(cls=_WaitingCommand)
@click.argument("target", type=_Target())
@click.argument("table", required=False)
@_DATASET
@click.option("--wait", type=_SECONDS, metavar="[SECONDS]", help="wait until the check has ended; at most SECONDS (600)")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer")
@click.option("--kind", "kinds", multiple=True, help="only rules of this kind: engineering or business")
@click.option("--dimension", "dimensions", multiple=True, help="only rules of this dimension")
@click.option("--rule", "rule_ids", multiple=True, help="only this rule")
@click.option(
    "--window",
    "column",
    help="only rows whose COLUMN (default: the document's window_column) lies in --from (inclusive), --to (exclusive)",
)
@click.option("--from", "from_", help="beginning of the window")
@click.option("--to", help="end of the window")
@click.option("--request-id", help="asking again with the same id is the same request")
@click.option("--timeout", "timeout_s", type=_SECONDS, help="the check's budget in seconds")
@click.pass_obj
def check(
    server: str | None, /, target: str, table: str | None, dataset: str | None, wait: int | None, as_json: bool, **options: Any
) -> int:
    """Check TABLE (schema.table), or the tables of a dataset, of TARGET; with --wait the exit code is the verdict."""
    subject = _subject(table, dataset)
    client = Client.from_environment(server)
    until = time.monotonic() + (wait or 0)
    answer = client.post_json("/api/v1/requests", _body(target, subject, wait, options))
    fields = ("request_id", *subject, "status", "verdict", "checks")
    while require(client, answer, *fields)["status"] not in TERMINAL and time.monotonic() < until:
        answer = follow(client, answer["request_id"], until)
    view = cast(RequestAnswer, answer)
    _show(_as_text(view) if as_json else render.request(view))
    if view["status"] in TERMINAL:
        return EXIT[view["verdict"]]
    if wait is not None:
        raise Undecided(f"not finished within {wait} s; it goes on as request {view['request_id']}")
    return 0


@cli.command(cls=_WaitingCommand)
@click.argument("target", type=_Target())
@click.argument("table", required=False)
@_DATASET
@click.option("--wait", type=_SECONDS, metavar="[SECONDS]", help="wait until a check has decided the gate; at most SECONDS (600)")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer")
@click.option("--not-before", help="closed unless the snapshot is at least as new (RFC 3339, the target's clock)")
@click.option("--request-id", help="the gate for the load that this request announced")
@click.pass_obj
def gate(
    server: str | None,
    target: str,
    table: str | None,
    dataset: str | None,
    wait: int | None,
    as_json: bool,
    not_before: str | None,
    request_id: str | None,
) -> int:
    """Say whether TABLE (schema.table), or a dataset, of TARGET may be used, and why not."""
    subject = _subject(table, dataset)
    client = Client.from_environment(server)
    query = {name: value for name, value in (("not_before", not_before), ("request_id", request_id)) if value is not None}
    until = time.monotonic() + (wait or 0)
    path = path_of("gates", target, table) if table is not None else path_of("gates", "datasets", dataset or "")
    fields = ("gate", *subject, "verdict", "snapshot_at", "age_s", "reasons")
    view = cast(GateAnswer, require(client, client.get(path, query), *fields))
    if view.get("target", target) != target:
        raise Refused([f"dataset {dataset} is of target {view['target']}, not of {target}"], [])
    while (pending := _is_pending(view)) and time.monotonic() < until:
        time.sleep(POLL_S)
        view = cast(GateAnswer, require(client, persist(lambda: client.get(path, query), until), *fields))
    _show(_as_text(view) if as_json else render.gate(view))
    if pending and wait is not None:
        raise Undecided(f"not decided within {wait} s; the gate stays closed")
    return EXIT[view["gate"]]


@cli.group()
def rules() -> None:
    """Change the configuration."""


@rules.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="say what would change, change nothing")
@click.pass_obj
def apply(server: str | None, files: Sequence[Path], dry_run: bool) -> int:
    """Apply all documents of FILES, or none; tables that are not in them are left alone."""
    client = Client.from_environment(server)
    texts = [read_text(file) for file in files]
    numbers = [count_documents(file, text) for file, text in zip(files, texts, strict=True)]
    places = [(file, index + 1) for file, number in zip(files, numbers, strict=True) for index in range(number)]
    stream = "---\n".join(text if text.endswith("\n") else text + "\n" for text in texts)
    try:
        answer = client.post_yaml("/api/v1/configuration", stream, {"dry_run": "true" if dry_run else "false"})
    except Refused as refused:
        lines = [_place(error, places) for error in refused.errors]
        raise Refused(lines or [str(refused)], refused.errors) from refused
    _show(render.changes(cast(ChangesAnswer, require(client, answer, "dry_run", "changes"))))
    return 0


rules.add_command(try_)
rules.add_command(import_)
cli.add_command(requests)
cli.add_command(dlq)


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
    except (Refused, SettingsError) as error:
        code = _say(str(error), 2)
    except Undecided as error:
        code = _say(str(error), 3)
    except UnicodeEncodeError:
        code = _say("an argument is not UTF-8; write it in UTF-8", 2)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        code = _say(f"an answer of the Backend is not as expected ({cause}); is it of the same release?", 3)
    sys.exit(code)


def _show(text: str) -> None:
    try:
        click.echo(text)
    except BrokenPipeError:  # a reader that ends early, such as head, does not change the exit code
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes the rest at exit, which must not fail


def _say(text: str, code: int) -> int:
    for line in text.splitlines():
        click.echo(f"dataops: {line}", err=True)
    return code


def _as_text(answer: RequestAnswer | GateAnswer) -> str:
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _subject(table: str | None, dataset: str | None) -> dict[str, str]:
    """The field `table` or `dataset` of requests and answers. Raises UsageError unless exactly one is given."""
    if table is not None and dataset is not None:
        raise click.UsageError("TABLE and --dataset are both given; keep one")
    if table:
        return {"table": table}
    if dataset:
        return {"dataset": dataset}
    raise click.UsageError("Missing argument 'TABLE', or --dataset NAME")


def _body(target: str, subject: dict[str, str], wait: int | None, options: Mapping[str, Any]) -> JsonObject:
    """The body of a request from the options of `check`. `wait_s` is 0, so that the id is known before the command waits."""
    mode = "async" if wait is None else "sync"
    body: JsonObject = {"request_id": new_id(), "target": target, **subject, "mode": mode, "wait_s": 0}
    body |= {name: list(options[name]) for name in ("kinds", "dimensions", "rule_ids") if options[name]}
    body |= {name: options[name] for name in ("request_id", "timeout_s") if options[name] is not None}
    window = {"column": options["column"], "from": options["from_"], "to": options["to"]}
    if any(value is not None for value in window.values()):
        body["window"] = {name: value for name, value in window.items() if value is not None}
    return body


def _is_pending(view: GateAnswer) -> bool:
    """Whether waiting may open the gate. Backends of earlier releases do not say; then it may."""
    return view["gate"] == "closed" and view.get("pending", True) is not False


def _place(error: dict[str, str], places: Sequence[tuple[Path, int]]) -> str:
    """`FILE: document N: /pointer: message` for an error whose pointer begins with the document's index in the stream."""
    head, _, rest = error["pointer"].removeprefix("/").partition("/")
    if not head.isdigit() or int(head) >= len(places):
        return f"{error['pointer']}: {error['message']}"
    file, number = places[int(head)]
    return f"{file}: document {number}: {'/' + rest + ': ' if rest else ''}{error['message']}"


if __name__ == "__main__":
    main()
