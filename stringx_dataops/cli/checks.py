"""`dataops check` and `dataops gate`."""

import json
from collections.abc import Mapping
from typing import Any, cast, get_args

import click

from stringx_dataops.answers import Gate, Request
from stringx_dataops.cli import completing, render
from stringx_dataops.cli.answers import GateAnswer, RequestAnswer
from stringx_dataops.cli.options import AS_JSON, JUNIT, OneOf, TargetName, example, require_subject
from stringx_dataops.cli.output import show
from stringx_dataops.cli.progress import POLL_S, Line
from stringx_dataops.cli.terminal import plain
from stringx_dataops.client import PATIENCE_S, Client, DataOpsError, Undecided
from stringx_dataops.contract.messages.verdicts import Dimension, Kind
from stringx_dataops.following import LONGEST_POLL_S

_SECONDS = click.IntRange(1, 86400)

_DATASET = click.option(
    "--dataset", metavar="NAME", shell_complete=completing.datasets, help="all tables of this dataset, in place of TABLE"
)


class _WaitingCommand(click.Command):
    """`--wait` without a number means `--wait 600`, whatever follows it."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        following = [*args, ""][1:]
        alone = f"--wait={PATIENCE_S}"
        filled = [alone if arg == "--wait" and not after.isdigit() else arg for arg, after in zip(args, following, strict=True)]
        return super().parse_args(context, filled)


@click.command(
    cls=_WaitingCommand,
    epilog=example(
        "dataops check nyc public.flights --wait",
        "dataops check nyc public.flights --wait --window time_hour --from 2013-06-01",
        "dataops check nyc --all --junit results.xml",
    ),
)
@click.argument("target", type=TargetName())
@click.argument("table", required=False, shell_complete=completing.tables)
@_DATASET
@click.option("--all", "everything", is_flag=True, help="every configured table of TARGET, a few at once; waits for all (600 s)")
@click.option("--wait", type=_SECONDS, metavar="[SECONDS]", help="wait until the check has ended; at most SECONDS (600)")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer; with --all one per table and line")
@JUNIT
@click.option("--kind", "kinds", multiple=True, type=OneOf(get_args(Kind)), help="only rules of this kind")
@click.option("--dimension", "dimensions", multiple=True, type=OneOf(get_args(Dimension)), help="only rules of this dimension")
@click.option("--rule", "rule_ids", multiple=True, shell_complete=completing.rules, help="only this rule")
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
    server: str | None,
    /,
    target: str,
    table: str | None,
    dataset: str | None,
    everything: bool,
    wait: int | None,
    as_json: bool,
    junit_file: str | None,
    **options: Any,
) -> int:
    """Check TABLE (schema.table), or the tables of a dataset, of TARGET; with --wait the exit code is the verdict."""
    require_subject(table, dataset, everything)
    if junit_file is not None:
        from stringx_dataops.cli import junit

        if not wait and not everything:
            raise click.UsageError("--junit writes results, and without --wait there are none; give --wait, too")
        junit.require_folder(junit_file)
    client, narrowed = Client.from_environment(server), _narrowed(options)
    if everything:
        from stringx_dataops.cli import checking_all

        if narrowed.pop("request_id") is not None:
            raise click.UsageError("--request-id names one request, and --all makes several; leave one out")
        return checking_all.run(client, target, wait or PATIENCE_S, as_json, junit_file, window=_window(options), **narrowed)
    try:
        with Line(table or f"dataset {dataset}") as line:
            found = client.check(
                target, table, dataset=dataset, wait=wait or False, window=_window(options), **narrowed,
                on_wait=lambda request: line.follow(request.progress), poll_s=POLL_S if line.active else LONGEST_POLL_S,
            )  # fmt: skip
    except Undecided as undecided:
        if isinstance(undecided.answer, Request):
            _show_request(undecided.answer, as_json, junit_file)
        raise
    _show_request(found, as_json, junit_file)
    return found.exit_code if found.has_ended else 0


@click.command(
    cls=_WaitingCommand,
    epilog=example(
        "dataops gate nyc public.flights --wait && ./publish.sh",
        "dataops gate nyc --dataset departures --not-before 2026-01-31T06:00:00Z",
        "dataops gate nyc public.flights --signed > verdict.jwt",
    ),
)
@click.argument("target", type=TargetName())
@click.argument("table", required=False, shell_complete=completing.tables)
@_DATASET
@click.option("--wait", type=_SECONDS, metavar="[SECONDS]", help="wait until a check has decided the gate; at most SECONDS (600)")
@AS_JSON
@click.option("--not-before", help="closed unless the snapshot is at least as new (RFC 3339, the target's clock)")
@click.option("--request-id", help="the gate for the load that this request announced")
@click.option(
    "--signed", is_flag=True, help="print only the signed verdict, for dataops gate-verify; the rest is said on standard error"
)
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
    signed: bool,
) -> int:
    """Say whether TABLE (schema.table), or a dataset, of TARGET may be used, and why not; failures that a waiver overlooks are
    named with their reason."""
    require_subject(table, dataset)
    client = Client.from_environment(server)
    try:
        with Line(table or f"dataset {dataset}") as line:
            watch = _Watch(client, line, request_id) if line.active else None
            found = client.gate(
                target, table, dataset=dataset, not_before=not_before, request_id=request_id, wait=wait or False, on_wait=watch,
                signed=signed,
            )  # fmt: skip
    except Undecided as undecided:
        if isinstance(undecided.answer, Gate):
            _show_gate(undecided.answer, as_json, signed)
        raise
    _show_gate(found, as_json, signed)
    if signed and found.token is None:
        raise Undecided("the Backend has signed nothing; what it says of the gate says why")
    return found.exit_code


class _Watch:
    """Shows how far the request is that a gate waits for: the one that is named, else the newest one of the same subject."""

    def __init__(self, client: Client, line: Line, request_id: str | None) -> None:
        self._client, self._line, self._request_id = client, line, request_id

    def __call__(self, gate: Gate) -> None:
        reason = gate.reasons[0] if gate.reasons else "not decided yet"
        try:
            request_id = self._request_id or self._newest(gate)
            progress = self._client.request(request_id).progress if request_id else None
        except DataOpsError:  # the gate itself says what is wrong, if it lasts
            progress = None
        if progress is None:
            self._line.show(lambda _: f"gate closed: {plain(reason)}")
        else:
            self._line.follow(progress)

    def _newest(self, gate: Gate) -> str | None:
        subject = {"table": gate.table} if gate.table else {"dataset": str(gate.dataset)}
        asked = self._client.requests(target=gate.target, **subject, trial="false", limit="1") if gate.target else iter(())
        return next((request.request_id for request in asked if not request.has_ended), None)


def _show_request(found: Request, as_json: bool, junit_file: str | None) -> None:
    if junit_file is not None:
        from stringx_dataops.cli import junit

        junit.write(junit_file, [found.raw])
    show(_as_text(found) if as_json else render.request(cast(RequestAnswer, found.raw)))


def _show_gate(found: Gate, as_json: bool, signed: bool) -> None:
    if signed and not as_json:
        click.echo(render.gate(cast(GateAnswer, found.raw)), err=True)
        if found.token is not None:
            click.echo(found.token)
        return
    show(_as_text(found) if as_json else render.gate(cast(GateAnswer, found.raw)))


def _as_text(found: Request | Gate) -> str:
    return json.dumps(found.raw, indent=2, ensure_ascii=False)


def _window(options: Mapping[str, Any]) -> dict[str, str]:
    window = {"column": options["column"], "from": options["from_"], "to": options["to"]}
    return {name: value for name, value in window.items() if value is not None}


def _narrowed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("kinds", "dimensions", "rule_ids", "request_id", "timeout_s")}
