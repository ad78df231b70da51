"""`dataops open`: a page of the dashboard in the browser."""

import os
import sys
from urllib.parse import quote

import click

from stringx_dataops.cli import completing
from stringx_dataops.cli.options import TargetName, example, meant
from stringx_dataops.cli.output import show
from stringx_dataops.client import Client, Refused, path_of, require


@click.command(
    "open",
    epilog=example(
        "dataops open nyc public.flights", "dataops open nyc public.flights --rule dep_time_not_null --print",
        "dataops open nyc --dataset departures",
    ),
)  # fmt: skip
@click.argument("target", type=TargetName())
@click.argument("table", required=False, shell_complete=completing.tables)
@click.option("--dataset", metavar="NAME", shell_complete=completing.datasets, help="the page of this dataset")
@click.option("--rule", metavar="ID", shell_complete=completing.rules, help="the page of this rule of TABLE")
@click.option("--request", "request_id", metavar="ID", help="the page of this request")
@click.option("--print", "prints_only", is_flag=True, help="print the address and open nothing")
@click.pass_obj
def open_(
    server: str | None,
    target: str,
    table: str | None,
    dataset: str | None,
    rule: str | None,
    request_id: str | None,
    prints_only: bool,
) -> int:
    """Open the page of TABLE (schema.table) of TARGET on the dashboard, or that of a dataset, a rule or a request.

    Prints the address, and opens it where there is a browser and a person at a terminal.
    """
    if (table is None) == (dataset is None):
        raise click.UsageError("give either TABLE or --dataset NAME")
    if rule is not None and (request_id is not None or table is None):
        raise click.UsageError("--rule is of a TABLE, and stands without --request and --dataset")
    client = Client.from_environment(server)
    address = _dashboard(client) + _path(client, target, table, dataset, rule, request_id)
    show(address)
    if not prints_only and sys.stdout.isatty() and _has_browser():
        import webbrowser

        webbrowser.open(address)
    return 0


def _dashboard(client: Client) -> str:
    """Where people reach the dashboard; the Backend's own address if it does not say it, or is of a release that cannot."""
    try:
        told = client.get(path_of("addresses")).get("dashboard")
    except Refused:
        told = None
    is_web = isinstance(told, str) and told.startswith(("http://", "https://"))
    return str(told).rstrip("/") if is_web else client.server


def _path(client: Client, target: str, table: str | None, dataset: str | None, rule: str | None, request_id: str | None) -> str:
    """The path of the page. Raises Refused for what is not there, because the page could only say that, too."""
    if request_id is not None:
        found = client.request(request_id)
        if (found.target, found.table, found.dataset) != (target, table, dataset):
            raise Refused([f"request {request_id} is of {found.target} {found.name}"])
        return f"/requests/{quote(request_id, safe='')}"
    if dataset is not None:
        of = require(client, client.get(path_of("datasets", dataset)), "target")["target"]
        if of != target:
            raise Refused([f"dataset {dataset} is of target {of}"])
        return f"/datasets/{quote(dataset, safe='')}"
    document = require(client, client.get(path_of("tables", target, str(table)), {"effective": "true"}), "table", "rules")
    page = f"/tables/{quote(target, safe='')}/{quote(document['table'], safe='')}"
    if rule is None:
        return page
    ids = [str(each["id"]) for each in document["rules"]]
    if rule not in ids:
        raise Refused([f"{document['table']} has no rule {rule!r}{meant(rule, ids)}"])
    return f"{page}/rules/{quote(rule, safe='')}"


def _has_browser() -> bool:
    """Whether opening one shows a window: elsewhere Python would start a browser in the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
