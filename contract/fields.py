"""What the pydantic models of documents and requests share: their base, their field types, their errors as pointers."""

import difflib
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from contract.documents import escape_pointer
from contract.durations import parse_duration
from contract.names import TableName, check_identifier
from contract.problems import FieldError, invalid
from contract.written import settle


class Model(BaseModel):
    """Frozen, and closed: a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_OF_A_TABLE, _OF_A_DATASET = frozenset({"table", "rules"}), frozenset({"dataset", "tables", "skipped"})


class OfOne(Model):
    """Is of a table or of a dataset: its JSON leaves out the fields that belong to the other of the two."""

    @model_serializer(mode="wrap")
    def _without_the_other(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = serialize(self)
        absent = _OF_A_TABLE if said.get("dataset") is not None else _OF_A_DATASET
        return {name: value for name, value in said.items() if name not in absent}


def is_missing(words: str) -> PydanticCustomError:
    """What a validator raises for a field that is needed because others are not given."""
    return PydanticCustomError("missing_choice", "is missing; {words}", {"words": words})


def _table(text: str) -> str:
    return str(TableName.parse(text))


def _duration(text: str) -> str:
    parse_duration(text)
    return text


Flag = StrictBool
Whole = StrictInt
Column = Annotated[str, AfterValidator(check_identifier)]
Table = Annotated[str, AfterValidator(_table)]
Duration = Annotated[str, AfterValidator(_duration)]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,63}$")]
TargetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
DatasetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Words = Annotated[str, StringConstraints(max_length=10_000)]

M = TypeVar("M", bound=BaseModel)


def parse_model(model: type[M], value: Any, pointer: str = "", extra: Literal["ignore"] | None = None) -> M:
    """The model of a value; Invalid with every fault, each with its pointer. `extra`: what another release of ours may have added
    is no fault."""
    errors: list[FieldError] = []
    settled = settle(value, schema_of(model), pointer, errors)
    try:
        found = model.model_validate(settled, extra=extra)
    except ValidationError as error:
        errors += field_errors(error, model, settled, pointer)
    if errors:
        raise invalid(errors)
    return found


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Its JSON Schema, made once."""
    return model.model_json_schema()


def field_errors(error: ValidationError, model: type[BaseModel], value: Any, pointer: str = "") -> list[FieldError]:
    """pydantic's errors in our words; what it says about each form that a field may have becomes one of them."""
    said: dict[str, list[str]] = {}
    for item in error.errors(include_url=False):
        found = _field_error(item, model, value, pointer)
        said.setdefault(found.pointer, []).append(found.message)
    return [FieldError(where, ", or ".join(dict.fromkeys(messages))) for where, messages in said.items()]


def _path(value: Any, item: Any) -> list[str | int]:
    """The part of pydantic's location that stands in the value: it adds the name of each form that it tried."""
    path: list[str | int] = []
    for part in item["loc"]:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]
        elif item["type"] not in ("missing", "missing_choice") or not isinstance(value, dict):
            break
        path.append(part)
    return path


def _field_error(item: Any, model: type[BaseModel], value: Any, pointer: str) -> FieldError:
    where = pointer + "".join(f"/{escape_pointer(part)}" for part in _path(value, item))
    kind, context = item["type"], item.get("ctx", {})
    match kind:
        case "missing":
            message = "is missing"
        case "extra_forbidden":
            message = f"unknown field{_suggestion(str(item['loc'][-1]), model)}"
        case "literal_error" | "enum":
            message = f"must be {context['expected']}"
        case "string_pattern_mismatch":
            message = f"must match {context['pattern']}"
        case "value_error":
            message = str(context["error"])
        case "model_type" | "dict_type" | "model_attributes_type":
            message = "must be an object"
        case "list_type":
            message = "must be a list"
        case "string_type":
            message = "must be a text" + ("; quote it" if isinstance(item["input"], (int, float)) else "")
        case "int_type" | "int_from_float":
            message = "must be a whole number"
        case "bool_type":
            message = "must be true or false"
        case _:
            message = str(item["msg"])[:1].lower() + str(item["msg"])[1:]
    return FieldError(where, message)


def _suggestion(name: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(name[:100], _all_fields(model), n=1)
    return f"; did you mean {close[0]}?" if close else ""


@cache
def _all_fields(model: type[BaseModel]) -> frozenset[str]:
    schema = schema_of(model)
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))
