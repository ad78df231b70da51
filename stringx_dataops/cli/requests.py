"""`dataops requests`: list requests, show one, cancel one."""

import json
from itertools import islice
from typing import cast

import click

from stringx_dataops.cli import render
from stringx_dataops.cli.answers import RequestAnswer
from stringx_dataops.client import Client, Undecided, path_of


@click.group()
def requests() -> None:
    """Look at requests, cancel one."""


@requests.command("list")
@click.option("--target", help="only those of this target")
@click.option("--table", help="only those of this table (schema.table)")
@click.option("--dataset", help="only those of this dataset")
@click.option("--rule", help="only those whose result ran the rule of this id")
@click.option("--requested-by", help="only those that the key of this name asked for")
@click.option("--source", help="http, cli, kafka or dashboard")
@click.option("--verdict", help="pass, warn, fail or error")
@click.option("--status", help="queued, succeeded, errored, canceled or timed_out")
@click.option("--from", help="only those asked for at this RFC 3339 time or later")
@click.option("--to", help="only those asked for before this RFC 3339 time")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="how many, the newest first")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object per line; of results only the counts")
@click.option("--rules", "with_rules", is_flag=True, help="with --json: the whole results")
@click.pass_obj
def list_(server: str | None, /, limit: int, as_json: bool, with_rules: bool, **filters: str | None) -> int:
    """Requests, the newest first."""
    client = Client.from_environment(server)
    query = {name: value for name, value in filters.items() if value is not None}
    query |= {"include": "rules"} if with_rules and as_json else {}
    views = [cast(RequestAnswer, view) for view in islice(client.items(path_of("requests"), query), limit)]
    for view in views:
        click.echo(json.dumps(view, ensure_ascii=False) if as_json else render.request_line(view))
    return 0


@requests.command()
@click.argument("request_id")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer")
@click.pass_obj
def show(server: str | None, request_id: str, as_json: bool) -> int:
    """One request, and the rules that did not pass."""
    client = Client.from_environment(server)
    view = cast(RequestAnswer, client.request(request_id).raw)
    click.echo(json.dumps(view, indent=2, ensure_ascii=False) if as_json else render.request(view))
    return 0


@requests.command()
@click.argument("request_id")
@click.option("--wait", type=click.IntRange(0, 300), default=30, show_default=True, help="seconds to wait for its end")
@click.pass_obj
def cancel(server: str | None, request_id: str, wait: int) -> int:
    """Cancel a request; one that has ended stays as it is."""
    client = Client.from_environment(server)
    found = client.cancel(request_id, wait=wait)
    click.echo(render.request(cast(RequestAnswer, found.raw)))
    if not found.has_ended:
        raise Undecided(f"not ended within {wait} s; it ends when its worker has stopped it")
    return 0
