"""`dataops check` and `dataops gate`."""

import json
from collections.abc import Mapping
from typing import Any, cast

import click

from stringx_dataops.answers import Gate, Request
from stringx_dataops.cli import render
from stringx_dataops.cli.answers import GateAnswer, RequestAnswer
from stringx_dataops.cli.output import show
from stringx_dataops.client import PATIENCE_S, Client, Undecided

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


@click.command(cls=_WaitingCommand)
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
    _require_subject(table, dataset)
    client = Client.from_environment(server)
    try:
        found = client.check(target, table, dataset=dataset, wait=wait or False, window=_window(options), **_narrowed(options))
    except Undecided as undecided:
        if isinstance(undecided.answer, Request):
            _show_request(undecided.answer, as_json)
        raise
    _show_request(found, as_json)
    return found.exit_code if found.has_ended else 0


@click.command(cls=_WaitingCommand)
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
    _require_subject(table, dataset)
    client = Client.from_environment(server)
    try:
        found = client.gate(target, table, dataset=dataset, not_before=not_before, request_id=request_id, wait=wait or False)
    except Undecided as undecided:
        if isinstance(undecided.answer, Gate):
            _show_gate(undecided.answer, as_json)
        raise
    _show_gate(found, as_json)
    return found.exit_code


def _show_request(found: Request, as_json: bool) -> None:
    show(_as_text(found) if as_json else render.request(cast(RequestAnswer, found.raw)))


def _show_gate(found: Gate, as_json: bool) -> None:
    show(_as_text(found) if as_json else render.gate(cast(GateAnswer, found.raw)))


def _as_text(found: Request | Gate) -> str:
    return json.dumps(found.raw, indent=2, ensure_ascii=False)


def _require_subject(table: str | None, dataset: str | None) -> None:
    """Raises UsageError unless exactly one is given."""
    if table is not None and dataset is not None:
        raise click.UsageError("TABLE and --dataset are both given; keep one")
    if not table and not dataset:
        raise click.UsageError("Missing argument 'TABLE', or --dataset NAME")


def _window(options: Mapping[str, Any]) -> dict[str, str]:
    window = {"column": options["column"], "from": options["from_"], "to": options["to"]}
    return {name: value for name, value in window.items() if value is not None}


def _narrowed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("kinds", "dimensions", "rule_ids", "request_id", "timeout_s")}
