"""`dataops rules show`, `versions`, `rollback` and `delete`: one document of the Backend."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from stringx_dataops.cli import completing
from stringx_dataops.cli.options import YES, confirm, example
from stringx_dataops.cli.output import plural
from stringx_dataops.cli.rules import stored
from stringx_dataops.cli.rules.checking import load_catalogue
from stringx_dataops.cli.rules.comparing import DocumentChange, as_text, word_of
from stringx_dataops.cli.rules.stored import Subject, subject_of
from stringx_dataops.client import Client, Refused
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.differences import difference
from stringx_dataops.contract.documents.yaml_writing import document_as_yaml
from stringx_dataops.contract.json_types import JsonObject

_F = TypeVar("_F", bound=Callable[..., Any])
_NO_GATE = " Nobody can ask for its checks then, and its gate answers no more"
_NO_RULES = " What it adds to its tables is gone then, and their gates close until the next check"
_CONSEQUENCE = {
    "Table": _NO_GATE,
    "Dataset": _NO_GATE,
    "RuleSet": _NO_RULES,
    "Defaults": _NO_RULES,
    "Schedule": " Its checks come no more",
    "Route": " Its channel is told no more of what it names",
}
_COMPLETED = {
    "dataset": completing.datasets,
    "target": completing.targets,
    "defaults": completing.targets,
    "schedule": completing.schedules,
    "channel": completing.channels,
    "route": completing.routes,
}
_JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")


def _named(function: _F) -> _F:
    """The arguments of a command about one document."""
    for option, (_, _, words) in reversed(stored.OTHERS.items()):
        name = f"--{option.replace('_', '-')}"
        help_ = f"{words}, in place of TARGET TABLE"
        function = click.option(name, option, metavar="NAME", help=help_, shell_complete=_COMPLETED.get(option))(function)
    return click.argument("words", nargs=-1, metavar="[TARGET TABLE]")(function)


@click.command(epilog=example("dataops rules show nyc public.flights --version 3"))
@_named
@click.option("--version", "number", type=click.IntRange(1), help="this version, in place of the newest")
@_JSON
@click.pass_obj
def show(server: str | None, /, words: Sequence[str], number: int | None, as_json: bool, **named: str | None) -> int:
    """Print one document as it is stored."""
    subject = subject_of(words, named)
    client = Client.from_environment(server)
    document = _document(client, subject, number) if number else client.get(subject.path)
    text = json.dumps(document, indent=2, ensure_ascii=False) if as_json else document_as_yaml(document, load_catalogue())
    click.echo(text.rstrip("\n"))
    return 0


@click.command(epilog=example("dataops rules versions nyc public.flights"))
@_named
@_JSON
@click.pass_obj
def versions(server: str | None, /, words: Sequence[str], as_json: bool, **named: str | None) -> int:
    """List the versions of a document, newest first.

    Each with its time, who made it, and how many rules changed in which way.
    """
    subject = subject_of(words, named)
    items = list(stored.versions(Client.from_environment(server), subject))
    if as_json:
        click.echo(json.dumps(items, indent=2, ensure_ascii=False))
        return 0
    catalogue = load_catalogue()
    for item, earlier in zip(items, [*items[1:], None], strict=True):
        what = _change(earlier["document"] if earlier else None, item["document"], catalogue)
        click.echo(f"{item['version']:>4}  {item['changed_at']}  {item['changed_by']}  {what}")
    return 0


def _change(before: JsonObject | None, now: JsonObject | None, catalogue: Catalogue) -> str:
    """What a version changed, in a few words."""
    if now is None:
        return "deleted"
    if before is None:
        return f"created, {plural(len(now['rules']), 'rule')}" if now.get("rules") else "created"
    found = difference(before, now, catalogue)
    words = [word_of(rule) for rule in found.rules]
    parts = [f"{plural(count, 'rule')} {word}" for word, count in Counter(words).items()]
    parts += [field.name for field in found.fields] + (["another order"] if found.is_reordered else [])
    return ", ".join(parts) or "nothing in the document itself: defaults or a rule set changed"


@click.command(epilog=example("dataops rules rollback nyc public.flights 3 --dry-run"))
@_named
@YES
@click.option("--dry-run", is_flag=True, help="say what would change, change nothing")
@click.pass_obj
def rollback(server: str | None, /, words: Sequence[str], yes: bool, dry_run: bool, **named: str | None) -> int:
    """Store the document of an earlier VERSION again.

    Write TARGET TABLE VERSION, or --dataset NAME VERSION, and so on. It becomes the next version, if it is valid
    by the rules of today, and nobody has changed the document meanwhile.
    """
    *rest, last = words or ("",)
    if not last.isascii() or not last.isdigit():
        raise click.UsageError("the last word is no version; write TARGET TABLE VERSION, as dataops rules versions lists them")
    subject = subject_of(rest, named)
    client = Client.from_environment(server)
    document = _document(client, subject, int(last))
    before, if_match = stored.find(client, subject)
    found = difference(before or {}, document, load_catalogue(), stored.defaults(client, subject))
    if before is not None and found.is_none:
        click.echo(f"{subject} is as version {last} was")
        return 0
    change = DocumentChange((subject.kind, subject.name), "created" if before is None else "updated", found)
    click.echo(as_text([change], 1).rpartition("\n")[0])
    if dry_run:
        return 0
    if not yes:
        confirm(f"Store version {last} of {subject} again?")
    number = stored.put(client, subject, document, if_match)
    click.echo(f"{subject}: version {number}, as version {last} was")
    return 0


@click.command(epilog=example("dataops rules delete nyc public.flights"))
@_named
@YES
@click.pass_obj
def delete(server: str | None, /, words: Sequence[str], yes: bool, **named: str | None) -> int:
    """Delete one document; results and versions stay."""
    subject = subject_of(words, named)
    client = Client.from_environment(server)
    document, if_match = stored.find(client, subject)
    if document is None:
        client.get(subject.path)  # says what is missing
        raise Refused([f"{subject} was configured just now; try again"], [])
    if not yes:
        confirm(f"Delete {subject}?{_CONSEQUENCE.get(subject.kind, '')}")
    stored.delete(client, subject, if_match)
    click.echo(f"{subject}: deleted")
    return 0


def _document(client: Client, subject: Subject, number: int) -> JsonObject:
    document: JsonObject | None = stored.version(client, subject, number)["document"]
    if document is None:
        raise Refused([f"version {number} of {subject} is its deletion; dataops rules delete does that"], [])
    return document
