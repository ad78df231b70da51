"""`dataops rules export`: the configuration as files, one per document, which `apply` reads back without a change."""

import os
import tempfile
from pathlib import Path

import click

from stringx_dataops.cli.exchange import EXPORTS, export_as
from stringx_dataops.cli.options import example
from stringx_dataops.cli.rules.checking import load_catalogue
from stringx_dataops.cli.rules.stored import configuration
from stringx_dataops.client import Client, Refused
from stringx_dataops.contract.documents.merging import Layers, merged
from stringx_dataops.contract.documents.streams import Named
from stringx_dataops.contract.documents.watches import OF_ALL_TARGETS
from stringx_dataops.contract.documents.yaml_writing import document_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.names import file_name

MARK = "# Written by `dataops rules export`, which writes this file again; delete this line to keep the file as it is.\n"
_SHOWN = 10


@click.command(epilog=example("dataops rules export rules/ --target nyc", "dataops rules export models/ --target nyc --as dbt"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--target", metavar="NAME", help="only this target with its tables, datasets and schedules")
@click.option("--as", "kind", type=click.Choice(EXPORTS), help="the tables of one target, as dbt tests or data contracts")
@click.option("--force", is_flag=True, help="replace files that export has not written, or that were changed by hand")
@click.pass_obj
def export(server: str | None, folder: Path, target: str | None, kind: str | None, force: bool) -> int:
    """Write a file per document into FOLDER; applying them changes nothing.

    Files that export has written are written again; others are left alone, and nothing is written then, unless --force is given.
    """
    catalogue = load_catalogue()
    stored = configuration(Client.from_environment(server))
    documents = stored.documents
    wanted = {name: each.document for name, each in documents.items() if target in (None, _target_of(name, each.document))}
    if target is not None and ("Target", target) not in wanted:
        raise Refused([f"there is no target {target}"], [])
    if kind is not None:
        return export_as(kind, folder, *_effective(wanted), force)
    files = {folder / path_of(name, document): document_as_yaml(document, catalogue) for name, document in wanted.items()}
    if foreign := sorted(str(path) for path, text in files.items() if not force and _is_foreign(path, text)):
        names = ", ".join(foreign[:_SHOWN]) + (f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else "")
        raise Refused([f"export has not written {names}; nothing was written; give --force to replace, or another folder"], [])
    written = sum(_write(path, MARK + text) for path, text in files.items())
    if stored.hidden and target is None:
        click.echo(
            f"note: left out: {', '.join(f'{each.lower()}s' for each in sorted(stored.hidden))}; only an admin sees them",
            err=True,
        )
    click.echo(f"{len(files)} documents in {folder}: {written} files written, {len(files) - written} as they were")
    return 0


def _effective(documents: dict[Named, JsonObject]) -> tuple[list[JsonObject], list[str]]:
    """The effective documents of the tables, and what was written into them."""
    layers: dict[str, Layers] = {}
    for target in {str(document.get("target")) for (kind, _), document in documents.items() if kind == "Table"}:
        sets = [document for (kind, _), document in documents.items() if kind == "RuleSet" and document.get("target") == target]
        layers[target] = Layers(documents.get(("Defaults", target)), sets)
    tables = [merged(document, layers[str(document["target"])]) for (kind, _), document in documents.items() if kind == "Table"]
    notes = [f"the defaults of target {target} are written into its tables" for target in layers if layers[target].defaults]
    names = sorted(str(each["name"]) for one in layers.values() for each in one.rule_sets)
    notes += [f"rule set {name} is written into the tables for which it holds" for name in names]
    return tables, notes


def path_of(name: Named, document: JsonObject) -> Path:
    """Where the file of a document lies below the folder."""
    kind, text = name
    folder = Path(file_name(_target_of(name, document)))
    if kind == "Target":
        return folder / "target.yml"
    if kind == "Defaults":
        return folder / "defaults.yml"
    if kind in OF_ALL_TARGETS:
        return Path(f"{kind.lower()}s", f"{file_name(text)}.yml")
    if kind == "Table":
        return folder / "tables" / f"{file_name(text.partition('/')[2])}.yml"
    return folder / f"{file_name(kind.lower())}s" / f"{file_name(text)}.yml"


def _target_of(name: Named, document: JsonObject) -> str:
    """Empty if the document belongs to no target."""
    if name[0] in OF_ALL_TARGETS:
        return ""
    return name[1] if name[0] == "Target" else str(document.get("target"))


def _is_foreign(path: Path, text: str) -> bool:
    """Whether a file is there that export has not written, and that says something else."""
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    return not found.startswith(MARK) and found != text


def _write(path: Path, text: str) -> bool:
    """Write the file as a whole, unless it is as it should be. Raises Refused."""
    try:
        if path.is_file() and path.read_bytes() in (text.encode(), text.removeprefix(MARK).encode()):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(file.name, 0o666 & ~mask)
        os.replace(file.name, path)
    except OSError as error:
        raise Refused([f"{path}: cannot be written ({error.strerror})"], []) from error
    return True
