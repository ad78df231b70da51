"""`dataops rules try`: checks tables by documents that are not stored."""

import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import click

from stringx_dataops.answers import EXIT
from stringx_dataops.cli import junit, render
from stringx_dataops.cli.answers import RequestAnswer
from stringx_dataops.cli.options import JUNIT, example
from stringx_dataops.cli.output import show
from stringx_dataops.cli.progress import POLL_S, Line
from stringx_dataops.cli.rules.documents import Documents, FileFault, load, separated
from stringx_dataops.cli.rules.paths import PATHS, read_files
from stringx_dataops.cli.rules.validate import ENV, refused
from stringx_dataops.client import PATIENCE_S, Client, Refused, Undecided, path_of, require
from stringx_dataops.contract.documents.layers import KINDS
from stringx_dataops.contract.messages.verdicts import TERMINAL, worst
from stringx_dataops.following import LONGEST_POLL_S

_AT_ONCE = 8  # trials that have not ended
_FIELDS = ("request_id", "table", "status", "verdict", "checks")


@dataclass(frozen=True)
class _Document:
    """A document of the files: its index, its value and its text."""

    index: int
    value: Any
    text: str

    @property
    def kind(self) -> object:
        return self.value.get("kind", "Table") if isinstance(self.value, dict) else "Table"

    @property
    def target(self) -> object:
        return self.value.get("target") if isinstance(self.value, dict) else None

    @property
    def rule_ids(self) -> set[str]:
        rules = self.value.get("rules") if isinstance(self.value, dict) else None
        return {str(rule.get("id")) for rule in rules if isinstance(rule, dict)} if isinstance(rules, list) else set()


@dataclass(frozen=True)
class _Trial:
    """What is sent: a table, then the defaults and rule sets of its target that are in the files."""

    documents: Documents
    table: _Document
    layers: Sequence[_Document]

    @property
    def text(self) -> str:
        return "".join(separated(each.text) if number else each.text for number, each in enumerate([self.table, *self.layers]))

    @property
    def rule_ids(self) -> set[str]:
        """Of the table, and of the rule sets as a table has them."""
        sets = [each for each in self.layers if each.kind == "RuleSet"]
        return self.table.rule_ids | {f"{each.value.get('name')}.{rule_id}" for each in sets for rule_id in each.rule_ids}

    def fault(self, pointer: str, message: str) -> FileFault:
        """At the document that the pointer begins with, if several were sent; else in the table's."""
        sent = [self.table, *self.layers]
        head, _, rest = pointer.removeprefix("/").partition("/")
        at = self.table.index
        if self.layers and head.isdecimal() and int(head) < len(sent):
            at, pointer = sent[int(head)].index, f"/{rest}" if rest else ""
        return self.documents.refusal({"pointer": f"/{at}{pointer}", "message": message})


@click.command(
    "try", epilog=example("dataops rules try rules/flights.yml", "dataops rules try rules/flights.yml --rule dep_time_not_null")
)
@PATHS
@click.option("--rule", "rule_ids", multiple=True, help="only this rule")
@click.option("--wait", type=click.IntRange(1, 86400), default=PATIENCE_S, show_default=True, help="seconds to wait for the end")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object per table and line: the API's answer")
@JUNIT
@ENV
@click.pass_obj
def try_(
    server: str | None,
    paths: Sequence[str],
    rule_ids: Sequence[str],
    wait: int,
    as_json: bool,
    junit_file: str | None,
    fills_in: bool,
) -> int:
    """Check the tables of PATH by their documents there, and print every rule. Nothing is stored, no gate moves.

    Defaults and rule sets of PATH count in place of the stored ones of the same names.
    """
    if junit_file is not None:
        junit.require_folder(junit_file)
    client = Client.from_environment(server)
    documents = load(read_files(paths), fills_in=fills_in)
    if documents.faults:
        raise Refused(refused(documents.faults), [])
    wanted = _wanted(documents, rule_ids)
    until = time.monotonic() + wait
    views: list[RequestAnswer] = []
    for view in _ended(client, wanted, until):
        views.append(view)
        show(json.dumps(view, ensure_ascii=False) if as_json else render.request(view))
        if view["status"] not in TERMINAL:
            break
    if junit_file is not None:
        junit.write(junit_file, views)
    if views[-1]["status"] not in TERMINAL:
        raise Undecided(f"not finished within {wait} s; it goes on as request {views[-1]['request_id']}")
    return EXIT[worst(view["verdict"] or "error" for view in views)]


def _ended(client: Client, wanted: Sequence[tuple[_Trial, list[str]]], until: float) -> Iterator[RequestAnswer]:
    """The trials in their order, each after its end, or as it stands when the time is over. Several run side by side."""
    asked: deque[RequestAnswer] = deque()
    for number, (trial, rule_ids) in enumerate(wanted, 1):
        asked.append(_ask(client, trial, rule_ids))
        while len(asked) == _AT_ONCE or (asked and number == len(wanted)):
            yield _followed(client, asked.popleft(), until)


def _followed(client: Client, view: RequestAnswer, until: float) -> RequestAnswer:
    with Line(view["table"]) as line:
        poll_s = POLL_S if line.active else LONGEST_POLL_S
        while view["status"] not in TERMINAL and time.monotonic() < until:
            found = client.follow(view["request_id"], until, poll_s)
            line.follow(found.progress)
            view = cast(RequestAnswer, require(client, dict(found.raw), *_FIELDS))
    return view


def _wanted(documents: Documents, rule_ids: Sequence[str]) -> list[tuple[_Trial, list[str]]]:
    """The trials of the files' tables, each with those of `rule_ids` that it has. UsageError for a rule that none has, and
    for files without a table."""
    found = [_Document(index, documents.values[index], text) for index, text in documents.pieces()]
    layers = [each for each in found if each.kind in KINDS]
    trials = [
        _Trial(documents, each, [layer for layer in layers if layer.target == each.target])
        for each in found
        if each.kind == "Table"
    ]
    if not trials:
        added = "; name the files of the tables that these defaults and rule sets are for, too" if layers else ""
        raise click.UsageError(f"the files hold no table; only documents of tables can be tried{added}")
    if not rule_ids:
        return [(trial, []) for trial in trials]
    wanted = [(trial, [rule_id for rule_id in dict.fromkeys(rule_ids) if rule_id in trial.rule_ids]) for trial in trials]
    for rule_id in rule_ids:
        if not any(rule_id in ids for _, ids in wanted):
            raise click.UsageError(f"no table of the files has a rule {rule_id!r}")
    return [(trial, ids) for trial, ids in wanted if ids]


def _ask(client: Client, trial: _Trial, rule_ids: Sequence[str]) -> RequestAnswer:
    """Does not wait for the end, so that the id is known before."""
    query = {"wait": "0"} | ({"rule_ids": ",".join(rule_ids)} if rule_ids else {})
    try:
        return cast(RequestAnswer, require(client, client.post_yaml(path_of("trials"), trial.text, query), *_FIELDS))
    except Refused as error:
        faults = [trial.fault(each["pointer"], each["message"]) for each in error.errors]
        raise Refused([fault.text for fault in faults or [trial.fault("", str(error))]], error.errors) from error
