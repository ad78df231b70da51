"""Looks up the configuration for requests: the documents of their tables, and the mode of a request that names none."""

from collections.abc import Iterable

from database import configuration
from database.configuration import Refusals
from database.pool import Cursor
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest, require_scope
from stringx_dataops.contract.messages.verdicts import Mode


class Documents:
    """Documents read with one cursor. Each is read only once, even for many requests."""

    def __init__(self, cursor: Cursor, catalogue: Catalogue) -> None:
        self._cursor = cursor
        self._dimensions = catalogue.default_dimensions
        self._tables: dict[tuple[str, str], TableDocument | None] = {}
        self._datasets: dict[str, tuple[list[str], DatasetDocument]] = {}  # with the tables that match its patterns

    def checked_mode(self, asked: CheckRequest) -> Mode:
        """The request's mode, or else that of its table or dataset. Raises NotFound or Invalid if the check is not possible."""
        if asked.is_profile:
            if configuration.target(self._cursor, asked.target) is None:
                raise Refusals(self._cursor).target(asked.target)
            return asked.mode or "sync"
        if (tried := asked.tried) is not None:
            documents, default = [tried], tried.mode
        elif asked.dataset is None:
            documents, default = self._of_table(asked)
        else:
            documents, default = self._of_dataset(asked, asked.dataset)
        require_scope(asked, documents, self._dimensions)
        return asked.mode or default

    def read(self, tables: Iterable[tuple[str, str]]) -> None:
        """Read the documents of these tables, given as (target, table), with one statement."""
        wanted = sorted(set(tables) - self._tables.keys())
        if wanted:
            self._tables |= dict.fromkeys(wanted)
            found = configuration.tables(self._cursor, wanted)
            self._tables |= {name: table.read() for name, table in found.items()}

    def _of_table(self, asked: CheckRequest) -> tuple[list[TableDocument], Mode]:
        assert asked.table is not None  # the caller has looked at `dataset`
        self.read([(asked.target, asked.table)])
        document = self._tables[asked.target, asked.table]
        if document is None:
            raise Refusals(self._cursor).table(asked.target, asked.table)
        return [document], document.mode

    def _of_dataset(self, asked: CheckRequest, name: str) -> tuple[list[TableDocument], Mode]:
        if name not in self._datasets:
            self._datasets[name] = self._find_dataset(asked.target, name)
        names, dataset = self._datasets[name]
        if dataset.target != asked.target:
            raise configuration.target_mismatch(name, dataset.target, asked=asked.target)
        tables = [(dataset.target, table) for table in names]
        self.read(tables)
        return [document for table in tables if (document := self._tables[table]) is not None], dataset.mode

    def _find_dataset(self, target: str, name: str) -> tuple[list[str], DatasetDocument]:
        dataset = configuration.dataset(self._cursor, name)
        if dataset is None:
            raise Refusals(self._cursor).dataset(name, target)
        return dataset.tables, dataset.read()
