"""`dataops requests`: list requests, show one, cancel one."""

import json
from typing import cast, get_args

import click

from stringx_dataops.cli import completing, listing, render
from stringx_dataops.cli.answers import RequestAnswer
from stringx_dataops.cli.options import AS_JSON, FOR_TARGET, JUNIT, OneOf, example, limit
from stringx_dataops.cli.output import show as print_
from stringx_dataops.cli.output import show_json, show_list
from stringx_dataops.client import Client, Undecided
from stringx_dataops.contract.messages.verdicts import CheckStatus, Source, Verdict


@click.group()
def requests() -> None:
    """Look at requests, cancel one."""


@requests.command("list", epilog=example("dataops requests list --verdict fail --from 2026-01-31T00:00:00Z"))
@FOR_TARGET
@click.option("--table", shell_complete=completing.tables, help="only those of this table (schema.table)")
@click.option("--dataset", shell_complete=completing.datasets, help="only those of this dataset")
@click.option("--rule", shell_complete=completing.rules, help="only those whose result ran the rule of this id")
@click.option("--requested-by", help="only those that the key of this name asked for")
@click.option("--source", type=OneOf(get_args(Source)), help="only those that were asked for there")
@click.option("--verdict", type=OneOf(get_args(Verdict)), help="only those with this verdict")
@click.option("--status", type=OneOf(get_args(CheckStatus)), help="only those that are, or ended, like this")
@click.option("--from", help="only those asked for at this RFC 3339 time or later")
@click.option("--to", help="only those asked for before this RFC 3339 time")
@limit(50, "the newest first")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object per line; of results only the counts")
@click.option("--rules", "with_rules", is_flag=True, help="with --json: the whole results")
@click.pass_obj
def list_(server: str | None, /, limit: int, as_json: bool, with_rules: bool, **filters: str | None) -> int:
    """Requests, the newest first."""
    whole = {"include": "rules"} if with_rules and as_json else {}
    found = listing.items(Client.from_environment(server), "requests", filters | whole, limit)
    if as_json:
        show_json(found)
    else:
        show_list(render.requests([cast(RequestAnswer, view) for view in found]), "no request")
    return 0


@requests.command(epilog=example("dataops requests show 0190f2a4-5240-77db-ba2c-2075931ff54b"))
@click.argument("request_id")
@AS_JSON
@JUNIT
@click.pass_obj
def show(server: str | None, request_id: str, as_json: bool, junit_file: str | None) -> int:
    """One request, and the rules that did not pass, with values and failing rows."""
    view = cast(RequestAnswer, Client.from_environment(server).request(request_id).raw)
    if junit_file is not None:
        from stringx_dataops.cli import junit

        junit.write(junit_file, [view])
    print_(json.dumps(view, indent=2, ensure_ascii=False) if as_json else render.request(view))
    return 0


@requests.command(epilog=example("dataops requests cancel 0190f2a4-5240-77db-ba2c-2075931ff54b --wait 60"))
@click.argument("request_id")
@click.option("--wait", type=click.IntRange(0, 300), default=30, show_default=True, help="seconds to wait for its end")
@click.pass_obj
def cancel(server: str | None, request_id: str, wait: int) -> int:
    """Cancel a request; one that has ended stays as it is."""
    client = Client.from_environment(server)
    found = client.cancel(request_id, wait=wait)
    print_(render.request(cast(RequestAnswer, found.raw)))
    if not found.has_ended:
        raise Undecided(f"not ended within {wait} s; it ends when its worker has stopped it")
    return 0
