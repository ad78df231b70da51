"""Lists of tables and datasets as they stand, and their histories."""

from typing import Any, get_args

from flask import Blueprint, Response

from backend.insights import board, history
from backend.insights.history import RuleName, Span
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import TARGET_NAME
from stringx_dataops.contract.messages.history import CheckHistory, DatasetPage, RuleHistory, TablePage
from stringx_dataops.contract.messages.verdicts import Gate, Verdict
from stringx_dataops.contract.problems import Invalid, NotFound, Unavailable
from web import parameters
from web.bodies import answer
from web.openapi import Operation, describe
from web.parameters import canonical

_LONGEST = 200  # characters of a filter


def _short(text: str) -> str:
    if not 1 <= len(text) <= _LONGEST or not text.isprintable():
        raise ValueError(f"must have 1 to {_LONGEST} printable characters")
    return text


_FILTERS = (
    parameters.text("target", "name of a target", TARGET_NAME.check),
    parameters.text("q", "a part of the name", _short),
    parameters.text("owner", "owner as in the document", _short),
    parameters.text("tag", "one of the tags", _short),
    parameters.word("gate", "open, or closed for whatever reason", get_args(Gate), None),
    parameters.word("verdict", "of the last check that decided", get_args(Verdict), None),
)
_TABLES, _DATASETS = parameters.paging(board.TABLES), parameters.paging(board.DATASETS)
_FROM = parameters.moment("from", "not before this RFC 3339 time")
_TO = parameters.moment("to", "before this RFC 3339 time")
_CHECKS = parameters.paging(history.CHECKS)
_RESOLUTION = parameters.word("resolution", "point: each check; day: one item per day (UTC)", ("point", "day"), "point")
_RULE_PAGES = parameters.paging(history.RULES)


def blueprint(database: Database, catalogue: Catalogue) -> Blueprint:
    routes = Blueprint("insights", __name__)

    @routes.get("/api/v1/tables")
    @describe(
        Operation(
            "Configured tables as they stand: closed gates first, then stale, never checked and open ones",
            scope="read",
            targets="list",
            query=(*_FILTERS, *_TABLES.parameters),
            answers={200: TablePage},
            errors=(Invalid, Unavailable),
        )
    )
    def tables() -> Response:
        return answer(board.page(database, "table", _filters(), _TABLES.page()))

    @routes.get("/api/v1/datasets")
    @describe(
        Operation(
            "Configured datasets as they stand, in the same order",
            scope="read",
            targets="list",
            query=(*_FILTERS, *_DATASETS.parameters),
            answers={200: DatasetPage},
            errors=(Invalid, Unavailable),
        )
    )
    def datasets() -> Response:
        return answer(board.page(database, "dataset", _filters(), _DATASETS.page()))

    @routes.get("/api/v1/tables/<target>/<path:table>/history")
    @describe(
        Operation(
            "Checks of a table, newest first",
            scope="read",
            targets="path",
            query=(_FROM, _TO, *_CHECKS.parameters),
            answers={200: CheckHistory},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def checks_of_table(target: str, table: str) -> Response:
        return answer(history.checks_of_table(database, target, canonical(table), _span(), _CHECKS.page()))

    @routes.get("/api/v1/datasets/<name>/history")
    @describe(
        Operation(
            "Checks of a dataset, newest first",
            scope="read",
            targets="dataset",
            query=(_FROM, _TO, *_CHECKS.parameters),
            path={"name": "departures"},
            answers={200: CheckHistory},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def checks_of_dataset(name: str) -> Response:
        return answer(history.checks_of_dataset(database, name, _span(), _CHECKS.page()))

    @routes.get("/api/v1/tables/<target>/<path:table>/rules/<rule>/history")
    @describe(
        Operation(
            "What checks found for a rule, newest first, with its thresholds as they were then",
            scope="read",
            targets="path",
            query=(_FROM, _TO, _RESOLUTION, *_RULE_PAGES.parameters),
            path={"rule": "dep_time_not_null"},
            answers={200: RuleHistory},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def of_rule(target: str, table: str, rule: str) -> Response:
        name = RuleName(target, canonical(table), rule)
        read = history.days if _RESOLUTION.value() == "day" else history.points
        return answer(read(database, catalogue, name, _span(), _RULE_PAGES.page()))

    return routes


def _filters() -> dict[str, Any]:
    return {each.name: each.value() for each in _FILTERS}


def _span() -> Span:
    return Span(_FROM.value(), _TO.value())
