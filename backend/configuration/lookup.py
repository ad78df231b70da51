"""Looks up the configuration for requests: the documents of their tables, and the mode of a request that names none."""

from collections.abc import Iterable
from pathlib import Path

from backend.configuration import datasets
from backend.configuration.targets import no_table, require_target
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest, require_scope
from stringx_dataops.contract.messages.verdicts import Mode
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))


class Configured:
    """Documents read with one cursor. Each is read only once, even for many requests."""

    def __init__(self, cursor: Cursor, catalogue: Catalogue) -> None:
        self._cursor = cursor
        self._dimensions = catalogue.default_dimensions
        self._tables: dict[tuple[str, str], TableDocument | None] = {}
        self._datasets: dict[str, DatasetDocument] = {}

    def mode(self, asked: CheckRequest) -> Mode:
        """The request's mode, or else that of its table or dataset. Raises NotFound or Invalid if the check is not possible."""
        documents, default = self._of_table(asked) if asked.dataset is None else self._of_dataset(asked, asked.dataset)
        require_scope(asked, documents, self._dimensions)
        return asked.mode or default

    def read(self, tables: Iterable[tuple[str, str]]) -> None:
        """Read the documents of these tables, given as (target, table), with one statement."""
        wanted = sorted(set(tables) - self._tables.keys())
        if wanted:
            self._tables |= dict.fromkeys(wanted)
            names = json_value([{"target": target, "table_name": table} for target, table in wanted])
            for row in self._cursor.all(SQL["documents"], {"tables": names}):
                self._tables[row["target"], row["table_name"]] = TableDocument.model_validate(row["document"])

    def _of_table(self, asked: CheckRequest) -> tuple[list[TableDocument], Mode]:
        assert asked.table is not None  # the caller has looked at `dataset`
        self.read([(asked.target, asked.table)])
        document = self._tables[asked.target, asked.table]
        if document is None:
            raise no_table(self._cursor, asked.target, asked.table)
        return [document], document.mode

    def _of_dataset(self, asked: CheckRequest, name: str) -> tuple[list[TableDocument], Mode]:
        if name not in self._datasets:
            self._datasets[name] = self._find_dataset(asked.target, name)
        dataset = self._datasets[name]
        if dataset.target != asked.target:
            raise invalid([FieldError("/target", f"is {asked.target!r}, and dataset {name} is of target {dataset.target}")])
        tables = [(dataset.target, table) for table in dataset.tables]
        self.read(tables)
        return [document for table in tables if (document := self._tables[table]) is not None], dataset.mode

    def _find_dataset(self, target: str, name: str) -> DatasetDocument:
        try:
            return DatasetDocument.model_validate(datasets.find_with(self._cursor, name)["document"])
        except NotFound:
            require_target(self._cursor, target)
            raise
