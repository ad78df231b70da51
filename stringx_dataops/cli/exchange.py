"""`dataops rules import`, and `rules export --as`: rules of other tools as documents of tables, and the other way round."""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stringx_dataops.cli.offline import offline
from stringx_dataops.cli.options import example
from stringx_dataops.cli.output import one_line
from stringx_dataops.client import Refused

if TYPE_CHECKING:
    from stringx_dataops.contract.catalogue.rule_types import Catalogue
    from stringx_dataops.contract.json_types import JsonObject
    from stringx_dataops.exchange.model import Loss, Taken, Written

FORMATS = ("dbt", "soda", "gx", "odcs")
EXPORTS = ("dbt", "odcs")
_MADE = "# Made by `dataops rules import`; another import writes this file anew."
_MADE_BY_EXPORT = "# Made by `dataops rules export`; another export writes this file anew."


@click.command(
    "import",
    epilog=example(
        "dataops rules import dbt models/ --target nyc --out rules/", "dataops rules import odcs contract.yaml --target nyc"
    ),
)
@click.argument("source", type=click.Choice(FORMATS), metavar="dbt|soda|gx|odcs")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--target", required=True, help="the target that the tables are of")
@click.option("--schema", help="the schema of tables of which the source does not say it")
@click.option("--table", help="gx alone: the table (schema.table) of the suites, if no checkpoint among the files says it")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="write a file per table into this folder")
@click.option("--strict", is_flag=True, help="exit with 1 if anything is lost")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object: documents, losses and remarks")
@offline("rules import")
def import_(
    source: str,
    paths: Sequence[Path],
    target: str,
    schema: str | None,
    table: str | None,
    out: Path | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Take up the rules in PATHS (files or folders of another tool) and print them as documents of tables.

    What was taken up, and a line for each loss, is on standard error. Works without a server.
    """
    from stringx_dataops.contract.documents.fields import TARGET_NAME
    from stringx_dataops.exchange.model import Unreadable
    from stringx_dataops.exchange.offline import own_catalogue

    if not TARGET_NAME.fits(target):
        raise click.UsageError(f"--target {target!r} {TARGET_NAME.message}")
    if table is not None and source != "gx":
        raise click.UsageError(f"--table is for gx alone; files of {source} name their tables")
    _check_names(schema, table)
    catalogue = own_catalogue()
    more = {"table": table} if table is not None else {}
    try:
        taken: Taken = import_module(f"stringx_dataops.exchange.{source}.reading").read(paths, target, catalogue, schema, **more)
    except Unreadable as error:
        raise Refused([one_line(str(error))], []) from error
    if out is not None:
        _write(out, _files(out, taken, catalogue))
    if as_json:
        click.echo(json.dumps(_as_json(taken), indent=2, ensure_ascii=False))
    elif out is None:
        click.echo("---\n".join(_texts(taken, catalogue)), nl=False)
    _report(taken, out)
    return 1 if strict and taken.losses else 0


def _check_names(schema: str | None, table: str | None) -> None:
    """Raises UsageError for options that name no schema, or no table, that there may be."""
    from stringx_dataops.contract.documents.names import TableName, check_identifier, fault_of_literal_name

    for option, name in (("--schema", schema), ("--table", table)):
        if name is None:
            continue
        try:
            parts = TableName.parse(name) if option == "--table" and "." in name else TableName("x", check_identifier(name))
        except ValueError as error:
            raise click.UsageError(f"{option} {name!r} {error}") from error
        if fault := fault_of_literal_name(parts.schema) or fault_of_literal_name(parts.name):
            raise click.UsageError(f"{option} {name!r} {fault}")


def export_as(kind: str, folder: Path, documents: "Sequence[JsonObject]", notes: Sequence[str] = (), force: bool = False) -> int:
    """Write effective documents of tables of one target, and tell notes and each loss on standard error; the exit code. Raises
    Refused."""
    from stringx_dataops.contract.documents.tables import TableDocument
    from stringx_dataops.exchange.offline import own_catalogue

    targets = sorted({str(each.get("target")) for each in documents})
    if len(targets) != 1:
        raise Refused([f"there are tables of {', '.join(targets) or 'no target'}; choose one by --target"], [])
    tables = [TableDocument.model_validate(each) for each in documents]
    written: Written = import_module(f"stringx_dataops.exchange.{kind}.writing").write(tables, own_catalogue())
    _write(folder, {folder / name: f"{_MADE_BY_EXPORT}\n{text}" for name, text in written.files.items()}, force)
    losses = f"{len(written.losses)} lost" if written.losses else "nothing lost"
    click.echo(f"{len(documents)} table(s) in {len(written.files)} file(s) in {folder}, {losses}", err=True)
    _tell(notes, written.losses)
    return 0


def _texts(taken: "Taken", catalogue: "Catalogue") -> list[str]:
    from stringx_dataops.contract.documents.yaml_writing import table_as_yaml

    return [table_as_yaml(document, catalogue) for document in taken.documents]


def _as_json(taken: "Taken") -> dict[str, object]:
    losses = [{"place": loss.place, "words": loss.words} for loss in taken.losses]
    return {"taken": taken.taken, "documents": taken.documents, "losses": losses, "remarks": taken.remarks}


def _report(taken: "Taken", out: Path | None) -> None:
    where = f" in {out}" if out is not None else ""
    tables = len(taken.documents)
    losses = f"{len(taken.losses)} lost" if taken.losses else "nothing lost"
    click.echo(f"{taken.taken} rule(s) for {tables} table(s) taken up{where}, {losses}", err=True)
    _tell(taken.remarks, taken.losses)


def _tell(notes: Sequence[str], losses: "Sequence[Loss]") -> None:
    """A line for each; files of others may hold anything."""
    for note in notes:
        click.echo(one_line(f"note: {note}"), err=True)
    for loss in losses:
        click.echo(one_line(f"loss: {loss}"), err=True)


def _files(folder: Path, taken: "Taken", catalogue: "Catalogue") -> dict[Path, str]:
    """A file per table."""
    from stringx_dataops.exchange.names import file_name

    return {
        folder / f"{file_name(document['table'])}.yml": f"{_MADE}\n{text}"
        for document, text in zip(taken.documents, _texts(taken, catalogue), strict=True)
    }


def _write(folder: Path, files: Mapping[Path, str], force: bool = False) -> None:
    """Raises Refused, before anything is written, if a file is there that this command has not made, unless that is forced."""
    try:
        for file in files:
            mark = files[file].partition("\n")[0]
            if not force and file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(mark):
                raise Refused(
                    [f"{file}: is there already, and this command has not made it; move it away, or give another folder"], []
                )
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused([f"{error.filename or folder}: cannot be written ({error.strerror})"], []) from error
