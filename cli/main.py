"""The commands. Exit code: 0 pass or open, 1 fail or closed, 2 usage, 3 could not be decided."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from cli import render
from cli.client import Client, Refused, Undecided, path_of
from contract.environment import SettingsError
from contract.verdicts import TERMINAL

_EXIT = {"pass": 0, "warn": 0, "fail": 1, "error": 3, "open": 0, "closed": 1}
_POLL_S = 0.5
_PATIENCE_S = 600


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--server", help="address of the Backend (STRINGX_BACKEND_URL; default http://127.0.0.1:5002)")
@click.pass_context
def cli(context: click.Context, server: str | None) -> None:
    """Ask for quality checks, ask whether a gate is open, change rules."""
    context.obj = server


@cli.command()
@click.argument("target")
@click.argument("table")
@click.option("--wait", is_flag=True, help="until the check has ended; the exit code is its verdict")
@click.option("--wait-seconds", type=click.IntRange(1, 86400), default=_PATIENCE_S, show_default=True, help="at most so long")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer")
@click.option("--kind", "kinds", multiple=True, help="only rules of this kind: engineering or business")
@click.option("--dimension", "dimensions", multiple=True, help="only rules of this dimension")
@click.option("--rule", "rule_ids", multiple=True, help="only this rule")
@click.option("--window", "column", help="only rows whose COLUMN lies in --from (inclusive), --to (exclusive)")
@click.option("--from", "from_", help="beginning of the window")
@click.option("--to", help="end of the window")
@click.option("--request-id", help="asking again with the same id is the same request")
@click.option("--timeout", "timeout_s", type=click.IntRange(1, 86400), help="the check's budget in seconds")
@click.pass_obj
def check(server: str | None, /, target: str, table: str, wait: bool, wait_seconds: int, as_json: bool, **asked: Any) -> int:
    """Check TABLE (schema.table) of TARGET."""
    client = Client.from_environment(server)
    view = client.post_json("/api/v1/requests", _body(target, table, wait, asked), timeout_s=90)
    until = time.monotonic() + wait_seconds
    while wait and view["status"] not in TERMINAL and time.monotonic() < until:
        patience = max(0.0, min(30.0, until - time.monotonic()))
        view = client.get(path_of("requests", view["request_id"]), {"wait": patience}, timeout_s=patience + 30)
    click.echo(json.dumps(view, indent=2, ensure_ascii=False) if as_json else render.request(view))
    if view["status"] not in TERMINAL:
        if wait:
            raise Undecided(f"not finished within {wait_seconds} s; follow it with request id {view['request_id']}")
        return 0
    return _EXIT[view["verdict"]]


@cli.command()
@click.argument("target")
@click.argument("table")
@click.option("--wait", is_flag=True, help="while a newer request is unfinished, or no snapshot is new enough")
@click.option("--wait-seconds", type=click.IntRange(1, 86400), default=_PATIENCE_S, show_default=True, help="at most so long")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer")
@click.option("--not-before", help="closed unless the snapshot is at least as new (RFC 3339, the target's clock)")
@click.option("--request-id", help="the gate for the load that this request announced")
@click.pass_obj
def gate(
    server: str | None,
    target: str,
    table: str,
    wait: bool,
    wait_seconds: int,
    as_json: bool,
    not_before: str | None,
    request_id: str | None,
) -> int:
    """Say whether TABLE (schema.table) of TARGET may be used, and why not."""
    client = Client.from_environment(server)
    query = {name: value for name, value in (("not_before", not_before), ("request_id", request_id)) if value is not None}
    until = time.monotonic() + wait_seconds
    while True:
        view = client.get(path_of("gates", target, table), query)
        if not wait or not _is_pending(view) or time.monotonic() > until:
            break
        time.sleep(_POLL_S)
    click.echo(json.dumps(view, indent=2, ensure_ascii=False) if as_json else render.gate(view))
    return _EXIT[view["gate"]]


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
    texts = [_read(file) for file in files]
    places = [(file, number) for file, text in zip(files, texts, strict=True) for number in range(1, _count(file, text) + 1)]
    try:
        answer = client.post_yaml("/api/v1/configuration", "\n---\n".join(texts), {"dry_run": "true" if dry_run else "false"})
    except Refused as refused:
        lines = [_place(error, places) for error in refused.errors]
        raise Refused(lines or [str(refused)], refused.errors) from refused
    click.echo(render.changes(answer))
    return 0


def main() -> None:
    """The entry point: every error is one line, none a traceback."""
    try:
        code = cli.main(prog_name="dataops", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        code = _say(f"{error.format_message()}; see dataops --help", 2)
    except (Refused, SettingsError) as error:
        code = _say(str(error), 2)
    except Undecided as error:
        code = _say(str(error), 3)
    except BrokenPipeError:
        code = 3
    sys.exit(code)


def _say(text: str, code: int) -> int:
    for line in text.splitlines():
        click.echo(f"dataops: {line}", err=True)
    return code


def _body(target: str, table: str, wait: bool, asked: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"target": target, "table": table, "mode": "sync" if wait else "async", "wait_s": 60}
    body |= {name: list(asked[name]) for name in ("kinds", "dimensions", "rule_ids") if asked[name]}
    body |= {name: asked[name] for name in ("request_id", "timeout_s") if asked[name] is not None}
    if asked["column"] is not None:
        bounds = {"from": asked["from_"], "to": asked["to"]}
        body["window"] = {"column": asked["column"]} | {name: value for name, value in bounds.items() if value is not None}
    elif asked["from_"] is not None or asked["to"] is not None:
        raise click.UsageError("--from and --to need --window COLUMN")
    return body


def _is_pending(view: dict[str, Any]) -> bool:
    """Whether waiting can change the answer: something newer is under way, or must still come."""
    signs = ("is not finished", "is queued", "is running", "older than not_before", "never checked")
    return view["gate"] == "closed" and any(sign in reason for reason in view["reasons"] for sign in signs)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from error


def _count(file: Path, text: str) -> int:
    """How many documents a file holds; empty ones do not count, as in the service."""
    try:
        return sum(1 for event in yaml.compose_all(text, Loader=yaml.CSafeLoader) if not _is_empty(event))
    except yaml.YAMLError as error:
        raise click.UsageError(f"{file}: not YAML: {' '.join(str(error).split())[:200]}") from error


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null"))


def _place(error: dict[str, str], places: Sequence[tuple[Path, int]]) -> str:
    """`FILE: document N: /pointer: message` for a pointer that begins with the document's number in the stream."""
    head, _, rest = error["pointer"].removeprefix("/").partition("/")
    if not head.isdigit() or int(head) >= len(places):
        return f"{error['pointer']}: {error['message']}"
    file, number = places[int(head)]
    return f"{file}: document {number}: {'/' + rest + ': ' if rest else ''}{error['message']}"


if __name__ == "__main__":
    main()
