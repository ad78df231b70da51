"""Writes the part of docs/rules.md that describes each rule type: `python -m stringx_dataops.contract.catalogue.rule_pages`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from typing_extensions import assert_never

from stringx_dataops.contract.catalogue.rule_types import ANY, Catalogue, RuleType
from stringx_dataops.contract.json_types import JsonSchema
from stringx_dataops.contract.settings import ROOT

PAGE = ROOT / "docs" / "rules.md"
_COMMAND = "python -m stringx_dataops.contract.catalogue.rule_pages"
BEGIN = f"<!-- From here on written by `{_COMMAND}` from stringx/macros/rules/rules.yml. -->\n"
_CONSTRAINT = " A constraint may [prove it](#constraints-in-place-of-scans)."
_PER = " Can be decided [for each group](groups.md)."


def render(catalogue: Catalogue) -> str:
    """The generated part as Markdown: a table of all types, then a section per type with its arguments and an example."""
    lines = ["| type | dimension | failures / total | a window narrows it |", "| --- | --- | --- | --- |"]
    for entry in catalogue:
        lines.append(
            f"| [`{entry.name}`](#{entry.name}) | {entry.dimension} | {_counted(entry)} | {'yes' if entry.window else 'no'} |"
        )
    for entry in catalogue:
        lines += ["", *_section(entry)]
    return "\n".join(lines) + "\n"


def written(page: str, catalogue: Catalogue) -> str:
    """The page with its generated part replaced; the text before that part stays as it is."""
    return page.split(BEGIN)[0] + BEGIN + "\n" + render(catalogue)


def _section(entry: RuleType) -> Iterator[str]:
    yield f"### {entry.name}"
    yield ""
    yield entry.description
    yield ""
    notes = [
        "" if entry.where else " Takes no `where`.",
        _CONSTRAINT if entry.constraint else "",
        _PER if entry.per else "",
    ]
    yield f"Columns: {_columns(entry)}.{''.join(notes)}"
    if entry.types:
        yield ""
        yield from _types(entry)
    properties = entry.arguments.get("properties", {})
    if properties:
        yield ""
        yield "| argument | | |"
        yield "| --- | --- | --- |"
        for name, schema in properties.items():
            yield f"| `{name}` | {_kind(schema)} | {_note(entry, name, schema)} |"
        if "errorMessage" in entry.arguments:
            yield ""
            yield f"Of these: {entry.arguments['errorMessage']}."
    yield ""
    yield "```yaml"
    yield yaml.safe_dump(entry.example, sort_keys=False, default_flow_style=None, width=1000, allow_unicode=True).rstrip()
    yield "```"


def _columns(entry: RuleType) -> str:
    match entry.min_columns, entry.max_columns:
        case 0, 0:
            return "none"
        case 1, 1:
            return "one"
        case 0, 1:
            return "one, or none"
        case 0, _:
            return "any, for your information"
        case _:
            return f"one or more, up to {entry.max_columns}" if entry.max_columns else "one or more"


def _types(entry: RuleType) -> Iterator[str]:
    """Lines about the meaning of the rule type for each family of column types."""
    assert entry.types is not None
    if list(entry.types) == [ANY]:
        yield f"A column of any type: {entry.types[ANY]}."
        return
    yield "| a column of type | |"
    yield "| --- | --- |"
    for families, meaning in entry.types.items():
        yield f"| {'any other type' if families == ANY else families} | {meaning} |"
    if ANY not in entry.types:
        yield "| any other type | an `error`: it means nothing there |"


def _counted(entry: RuleType) -> str:
    match entry.decides:
        case "bounds":
            return f"measured / {entry.total or '–'}"
        case "holds":
            return f"holds or not / {entry.total or '–'}"
        case "count":
            return f"{entry.failures} / {entry.total or '–'}"
        case _:
            assert_never(entry.decides)


def _kind(schema: JsonSchema) -> str:
    """The shape of a value in a few words."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    for name in ("anyOf", "oneOf"):
        if name in schema and "type" not in schema:
            return " or ".join(dict.fromkeys(_kind(form) for form in schema[name]))
    if "format" in schema:
        return {
            "sql-condition": "a condition",
            "sql-query": "a SELECT",
            "relation": "schema.table",
            "decimal": "number",
            "pattern": "text",
            "type": "text",
        }.get(schema["format"], f"a {schema['format']}")
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    labels = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}
    return " or ".join(labels.get(str(kind), str(kind)) for kind in kinds)


def _note(entry: RuleType, name: str, schema: JsonSchema) -> str:
    default = schema.get("default")
    if name in entry.arguments.get("required", ()):
        need = "required"
    else:
        need = "" if default in (None, {}) else f"default {_plain(default)}"
    return "; ".join(part for part in (schema.get("description", ""), need) if part).replace("|", "\\|")


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def main(page: Path = PAGE) -> None:
    """Replace the generated part of the page, from the catalogue in `stringx/`."""
    page.write_text(written(page.read_text(encoding="utf-8"), Catalogue.load(ROOT / "stringx")), encoding="utf-8")


if __name__ == "__main__":
    main()
