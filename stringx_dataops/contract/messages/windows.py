"""The window of a request: the rows whose column lies between two values. Empty windows are refused if the values show it."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

from pydantic import Field, StrictFloat, StrictInt, model_validator

from stringx_dataops.contract.documents.fields import Column, Model
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.values import moment_of, number_of
from stringx_dataops.contract.problems import FieldError

Bound = str | StrictInt | StrictFloat
WindowJson = TypedDict("WindowJson", {"column": str | None, "from": Bound | None, "to": Bound | None})


class Window(Model):
    """Rows with `from` <= column < `to`, compared as the column's type. Without a column, each table's `window_column` counts."""

    column: Column | None = None
    from_: Annotated[Bound | None, Field(alias="from", json_schema_extra={"x-written": "bound"})] = None
    to: Annotated[Bound | None, Field(json_schema_extra={"x-written": "bound"})] = None

    @model_validator(mode="after")
    def _is_bounded(self) -> "Window":
        if self.from_ is None and self.to is None:
            raise ValueError("gives neither from nor to; give at least one")
        return self

    def as_json(self) -> WindowJson:
        """All three fields, None if they are not given."""
        return {"column": self.column, "from": self.from_, "to": self.to}

    def column_of(self, document: TableDocument) -> str | None:
        """The column that the window compares in this table; None if neither the window nor the document names one."""
        return self.column or document.window_column

    def faults(self, documents: Sequence[TableDocument]) -> Iterator[FieldError]:
        """Faults of the window for these tables: a table without a column to compare, or bounds between which no row can lie."""
        lacking = [document.table for document in documents if self.column_of(document) is None]
        if lacking:
            tables = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
            yield FieldError(
                "/window/column", f"is missing; name a column here, or give {tables} a window_column in its document"
            )
        if any(self._is_empty(ZoneInfo(zone)) for zone in {document.timezone for document in documents}):
            yield FieldError("/window/from", "is not before to; no row lies between them")

    def _is_empty(self, zone: tzinfo) -> bool:
        low, high = number_of(self.from_), number_of(self.to)
        if low is not None and high is not None:
            return low >= high
        begin, end = moment_of(self.from_), moment_of(self.to)
        if begin is None or end is None:
            return False
        if (begin.tzinfo is None) != (end.tzinfo is None):  # in an hour that occurs twice, the reading with more rows
            begin = begin if begin.tzinfo else begin.replace(tzinfo=zone)
            end = end if end.tzinfo else end.replace(tzinfo=zone, fold=1)
            return begin.timestamp() >= end.timestamp()
        return begin >= end
