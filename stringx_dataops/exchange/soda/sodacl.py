"""SodaCL: the sections of its files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import Items, Mapping, line_of
from stringx_dataops.exchange.making import Check, Maker
from stringx_dataops.exchange.soda.checks import Judged
from stringx_dataops.exchange.soda.lines import Metric, NotUnderstood, Reference, SameRows, parse_line
from stringx_dataops.exchange.soda.schemas import add_schema
from stringx_dataops.exchange.soda.validity import KEYS, Validity, read_validity
from stringx_dataops.exchange.sql import folded

_HEADER = re.compile(r"(checks for|filter|configurations for) (\S+)(?: \[(.+)\])?")
_SECTIONS = ("checks for", "filter ", "configurations for", "for each", "profile columns", "discover", "sample", "automated")
_EACH = re.compile(r"for each (?:dataset|table) (\S+)")
_VARIABLE = re.compile(r"\$\{|\{\{|\{%")


@dataclass
class Settings:
    """What the sections of a folder say of tables: filters by name and partition, validity by name and column."""

    filters: dict[tuple[str, str], str] = field(default_factory=dict)
    columns: dict[tuple[str, str], JsonObject] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """The checks of one table, with the place of each."""

    table: str
    partition: str | None
    checks: list[tuple[str, Any]]


class SodaCL:
    """The files of a scan: first all of their settings, then their checks."""

    def __init__(self, collector: Collector, schema: str) -> None:
        self._collector = collector
        self._maker = Maker(collector)
        self._schema = schema
        self._settings = Settings()
        self._sections: list[Section] = []
        self.is_found = False  # whether any section is one of SodaCL

    def read(self, file: str, document: Mapping) -> None:
        """One document of a file."""
        for header, content in document.items():
            place = f"{file}:{document.line_of(header)}"
            try:
                self._section(file, place, header, content)
            except NotUnderstood as error:
                self._collector.lose(place, f"{header}: {error}")

    def add(self) -> None:
        """The checks of all files that were read."""
        for section in self._sections:
            for place, check in section.checks:
                try:
                    self._check(section, place, check)
                except NotUnderstood as error:
                    self._collector.lose(place, f"{_text_of(check)}: {error}")

    def _section(self, file: str, place: str, header: str, content: Any) -> None:
        self.is_found |= header.startswith(_SECTIONS)
        if found := _EACH.fullmatch(header):
            self._sections += _of_each(file, place, content)
            return
        found = _HEADER.fullmatch(header)
        if _VARIABLE.search(header) or header == "variables":
            raise NotUnderstood("variables are not filled in; write the value itself")
        if found is None:
            raise NotUnderstood("no rule says it")
        kind, table, partition = found.groups()
        if kind == "checks for":
            if not isinstance(content, list):
                raise NotUnderstood("must hold a list of checks, each with a dash")
            self._sections.append(Section(table, partition, list(_placed(file, place, content))))
        elif kind == "filter":
            if not isinstance(content, dict) or not isinstance(content.get("where"), str):
                raise NotUnderstood("must hold `where` with an SQL condition")
            if unknown := next((key for key in content if key not in ("where", "name")), None):
                raise NotUnderstood(f"the field {unknown!r} has no meaning here")
            self._settings.filters[table, partition or ""] = content["where"].strip()
        else:
            self._configure(table, content)

    def _configure(self, table: str, content: Any) -> None:
        if not isinstance(content, dict):
            raise NotUnderstood("must hold configurations, without dashes")
        for key, value in content.items():
            kind, _, column = key.partition(" for ")
            if kind not in KEYS or not column:
                raise NotUnderstood(f"{key!r} is no configuration of a column")
            self._settings.columns.setdefault((table, column.strip()), {})[kind] = value

    def _check(self, section: Section, place: str, check: Any) -> None:
        configuration: Any = None
        if isinstance(check, dict):
            if len(check) != 1:
                raise NotUnderstood("is empty" if not check else "has fields beside it that Soda ignores; indent them")
            configuration = next(iter(check.values()))
        elif not isinstance(check, str):
            raise NotUnderstood("is no check")
        text = _text_of(check)
        if text == "attributes":
            return
        if configuration is not None and not isinstance(configuration, dict):
            raise NotUnderstood("its configuration must be a mapping")
        self._table_check(section, place, text, configuration or {})

    def _table_check(self, section: Section, place: str, text: str, configuration: JsonObject) -> None:
        if variable := _variable_in([text, configuration]):
            raise NotUnderstood(f"holds the variable {variable!r}, which is not filled in; write the value itself")
        where = None
        if section.partition is not None:
            where = self._settings.filters.get((section.table, section.partition))
            if where is None:
                raise NotUnderstood(f"no section declares `filter {section.table} [{section.partition}]`")
        name = configuration.get("name")
        table = self._table(section.table)
        self._collector.describe(table, on_empty="pass")
        said = name if isinstance(name, str) else ""
        check = Check(table, place, said, f"Soda: {text}" if text not in ("schema", "failed rows") else said, where)
        judged = Judged(self, section, check, configuration)
        if text == "schema":
            add_schema(self._maker, check, configuration)
        elif text == "failed rows":
            judged.failed_rows()
        elif text in ("group by", "group evolution"):
            raise NotUnderstood("no rule looks at groups yet")
        else:
            match parse_line(text):
                case Metric() as metric:
                    judged.metric(metric)
                case Reference() as reference:
                    judged.reference(reference)
                case SameRows() as same:
                    judged.same_rows(same)

    def _table(self, name: str) -> TableName:
        schema, dot, table = name.partition(".") if not name.startswith('"') else ("", "", name)
        try:
            return TableName.parse(f"{folded(schema)}.{folded(table)}" if dot else str(TableName(self._schema, folded(name))))
        except ValueError as error:
            raise NotUnderstood(f"the table {name} {error}") from error

    @property
    def maker(self) -> Maker:
        """What makes rules."""
        return self._maker

    def table(self, name: str) -> TableName:
        """A table as SodaCL names it."""
        return self._table(name)

    def validity(self, table: str, column: str, own: JsonObject) -> Validity:
        """The validity of a check: its own, and what is configured for its column. Lists are joined, as Soda joins them."""
        shared = self._settings.columns.get((table, column), {})
        merged = dict(own)
        for key, value in shared.items():
            mine = merged.get(key)
            merged[key] = (
                value if mine is None else [*mine, *value] if isinstance(mine, list) and isinstance(value, list) else mine
            )
        return read_validity(merged)


def _placed(file: str, place: str, checks: list[Any]) -> Iterator[tuple[str, Any]]:
    lines = checks.lines if isinstance(checks, Items) else []
    for index, check in enumerate(checks):
        line = line_of(check, lines[index] if index < len(lines) else 0)
        yield (f"{file}:{line}" if line else place), check


def _of_each(file: str, place: str, content: Any) -> Iterator[Section]:
    """A section per table that `for each dataset` names."""
    names = content.get("datasets", content.get("tables")) if isinstance(content, dict) else None
    checks = content.get("checks") if isinstance(content, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not isinstance(checks, list):
        raise NotUnderstood("must hold a list `datasets` and a list `checks`")
    if unknown := next((key for key in content if key not in ("datasets", "tables", "checks")), None):
        raise NotUnderstood(f"the field {unknown!r} has no meaning here")
    excluded = {name.removeprefix("exclude ") for name in names if name.startswith("exclude ")}
    included = [name.removeprefix("include ") for name in names if not name.startswith("exclude ")]
    if any("%" in name or "*" in name for name in (*included, *excluded)):
        raise NotUnderstood("stands for the tables that match when it runs; name them, or write a RuleSet")
    for name in included:
        if name not in excluded:
            yield Section(name, None, list(_placed(file, place, checks)))


def _text_of(check: Any) -> str:
    text = next(iter(check), "") if isinstance(check, dict) else check
    return " ".join(str(text).split())[:200]


def _variable_in(value: Any) -> str | None:
    if isinstance(value, str):
        return value[:60] if _VARIABLE.search(value) else None
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((found for item in inner if (found := _variable_in(item))), None)
