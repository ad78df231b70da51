"""`dataops rules`: the configuration as files."""

import click

from stringx_dataops.cli.lazy import LazyGroup

_HERE = "stringx_dataops.cli.rules"
_COMMANDS = {
    "apply": (
        f"{_HERE}.apply:apply",
        "Apply all documents of files, folders (their *.yml and *.yaml) and - (standard input), or none of them.",
    ),
    "delete": (f"{_HERE}.versions:delete", "Delete one document; results and versions stay."),
    "diff": (f"{_HERE}.diff:diff", "Say per rule what files would add, remove, tighten, loosen or change on the Backend."),
    "explain": (
        "stringx_dataops.cli.explain:explain",
        "Say what holds for TABLE (schema.table) of TARGET, and where it comes from.",
    ),
    "export": (
        f"{_HERE}.export:export",
        "Write a file per document into FOLDER; applying them changes nothing.",
    ),
    "import": (
        "stringx_dataops.cli.exchange:import_",
        "Take up the rules in PATHS (files or folders of another tool) and print them as documents of tables.",
    ),
    "rollback": (f"{_HERE}.versions:rollback", "Store the document of an earlier VERSION again."),
    "schema": (f"{_HERE}.schema:schema", "Print the JSON Schema of all documents, for editors; needs no service."),
    "show": (f"{_HERE}.versions:show", "Print one document as it is stored."),
    "try": (f"{_HERE}.trials:try_", "Check the tables of PATH by their documents there, and print every rule."),
    "validate": (
        f"{_HERE}.validate:validate",
        "Say what is wrong with the documents of files, folders and standard input; needs no service.",
    ),
    "versions": (f"{_HERE}.versions:versions", "List the versions of a document, newest first."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def rules() -> None:
    """Rules as code: check files, compare them with the Backend, apply them, take them back."""
