"""Badges: an image that shows how one gate is, to anybody who knows its address."""

import re
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from stringx_dataops.contract.documents.fields import DatasetName, Model, Table, TargetName, is_missing

MOST_OF_ONE = 20  # badges of a table or dataset
USUAL_LABEL = "gate"
TOKEN = re.compile(r"[0-9a-f]{32}")  # 128 random bits


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), AfterValidator(_printable)]


class NewBadge(Model):
    """The body of a new badge, for a table or a dataset. `label` is what stands on its left."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["table"]}, {"required": ["dataset"]}]})

    target: TargetName
    dataset: DatasetName | None = None
    table: Annotated[Table | None, Field(validate_default=True)] = None
    label: Label = USUAL_LABEL

    @field_validator("table")
    @classmethod
    def _is_of_one(cls, table: str | None, info: ValidationInfo) -> str | None:
        if "dataset" in info.data and (table is None) == (info.data["dataset"] is None):
            if table is not None:
                raise ValueError("table and dataset are both given; keep one")
            raise is_missing("name a table, or a dataset")
        return table


class Badge(Model):
    """A badge. One of `table` and `dataset` is given. `path` is where the Backend has the image, without a key; `url` the same
    under PUBLIC_URL, if that is set."""

    id: str
    target: str
    table: str | None
    dataset: str | None
    label: str
    path: str
    url: str | None
    created_at: AwareDatetime
    created_by: str


class BadgePage(Model):
    """Badges, the newest first."""

    items: list[Badge]
    next_cursor: str | None
