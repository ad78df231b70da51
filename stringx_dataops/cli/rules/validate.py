"""`dataops rules validate`: the faults of documents, without a service, a key or a database."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from stringx_dataops.cli.offline import offline
from stringx_dataops.cli.options import example
from stringx_dataops.cli.output import one_line, plural
from stringx_dataops.cli.rules.paths import PATHS, read_files

if TYPE_CHECKING:
    from stringx_dataops.cli.rules.checking import Checked
    from stringx_dataops.cli.rules.documents import FileFault

MOST_SHOWN = 1000
ENV = click.option("--env", "fills_in", is_flag=True, help="fill in ${NAME} from the environment; $${ is a literal ${")


@click.command(epilog=example("dataops rules validate rules/", "dataops rules validate rules/ --format github"))
@PATHS
@click.option("--format", "style", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option(
    "--allow-functions",
    "functions",
    metavar="SCHEMA.NAME",
    multiple=True,
    help="a function that targets outside of the files allow; without it, any is noted and judged when applied",
)
@ENV
@offline("rules validate")
def validate(paths: Sequence[str], style: str, functions: Sequence[str], fills_in: bool) -> int:
    """Say what is wrong with the documents of files, folders and standard input; needs no service.

    Of folders, *.yml and *.yaml are read; - is standard input. Exit code 0, or 2 if there is a fault.
    """
    from stringx_dataops.cli.rules.checking import check, load_catalogue  # takes half a second, which --help need not
    from stringx_dataops.cli.rules.documents import load

    checked = check(load(read_files(paths), fills_in=fills_in), load_catalogue(), functions or None)
    shown = {"text": _as_text, "json": _as_json, "github": _as_github}[style](checked)
    click.echo(shown)
    return 2 if checked.faults else 0


def refused(faults: Sequence["FileFault"]) -> list[str]:
    """The faults as lines for standard error."""
    more = [f"and {len(faults) - MOST_SHOWN:,} more faults"] if len(faults) > MOST_SHOWN else []
    return [*(fault.text for fault in faults[:MOST_SHOWN]), *more]


def _as_text(checked: "Checked") -> str:
    return "\n".join([*refused(checked.faults), *(one_line(f"note: {note}") for note in checked.notes), _summary(checked)])


def _summary(checked: "Checked") -> str:
    documents, files = plural(len(checked.documents.values), "document"), plural(len(checked.documents.texts), "file")
    faults = plural(len(checked.faults), "fault") if checked.faults else "no fault"
    return f"{faults} in {documents} of {files}, {plural(checked.rules, 'rule')}"


def _as_json(checked: "Checked") -> str:
    faults = [
        {name: getattr(fault, name) for name in ("file", "line", "column", "rule", "field", "message")}
        for fault in checked.faults[:MOST_SHOWN]
    ]
    answer = {
        "valid": not checked.faults,
        "files": len(checked.documents.texts),
        "documents": len(checked.documents.values),
        "rules": checked.rules,
        "count": len(checked.faults),
        "faults": faults,
        "notes": checked.notes,
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _as_github(checked: "Checked") -> str:
    """Workflow commands of GitHub Actions, which show each fault at its line of the pull request."""
    lines = [
        f"::error file={_property(fault.file)},line={fault.line},col={fault.column},"
        f"title={_property(f'rule {fault.rule}' if fault.rule else 'rules')}::{_data(_words(fault))}"
        for fault in checked.faults[:MOST_SHOWN]
    ]
    return "\n".join([*lines, *(f"::notice title=rules::{_data(note)}" for note in checked.notes), _summary(checked)])


def _words(fault: "FileFault") -> str:
    return ": ".join(part for part in (fault.field.removeprefix("/"), fault.message) if part)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
