"""Shared by the pydantic models of documents and messages: base classes, field types, and errors as JSON pointers."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from stringx_dataops.contract.custom_sql.limits import MAX_SQL
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.names import TableName, check_identifier
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.documents.written import resolve_plain
from stringx_dataops.contract.json_types import JsonObject, JsonSchema
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, invalid


class Model(BaseModel):
    """Base of all models: frozen, and unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_OF_A_TABLE, _OF_A_DATASET = frozenset({"table", "rules"}), frozenset({"dataset", "tables", "skipped"})


class OfOne(Model):
    """Base of models that describe either a table or a dataset. Their JSON leaves out the fields of the other kind."""

    @model_serializer(mode="wrap")
    def _without_the_other(self, serialize: SerializerFunctionWrapHandler) -> JsonObject:
        fields: JsonObject = serialize(self)
        absent = _OF_A_TABLE if fields.get("dataset") is not None else _OF_A_DATASET
        return {name: value for name, value in fields.items() if name not in absent}


@dataclass(frozen=True)
class Matching:
    """Annotates a text that must match a pattern as a whole. `message` says what is wrong otherwise, and what to write."""

    pattern: str
    message: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        matched = core_schema.str_schema(pattern=self._whole)
        refused = core_schema.custom_error_schema(matched, "not_matching", custom_error_message=self.message)
        return core_schema.chain_schema([handler(source), refused])

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"pattern": self._whole}

    def check(self, text: str) -> str:
        """Return the text unchanged. Raises ValueError with `message` if it does not match."""
        if not self.fits(text):
            raise ValueError(self.message)
        return text

    def fits(self, text: str) -> bool:
        """Whether the text matches."""
        return re.fullmatch(self.pattern, text) is not None

    @property
    def _whole(self) -> str:
        return f"^{self.pattern}$"


SENT = {"sent": True}  # the validation context of values that a caller sends; only there `AtMost` applies


@dataclass(frozen=True)
class AtMost:
    """Annotates a text or list that a caller sends: at most so many characters or items.

    Values that an earlier release has stored may be longer.
    """

    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler(schema)
        return json_schema | {"maxItems" if json_schema.get("type") == "array" else "maxLength": self.most}

    def _check(self, value: Any, info: ValidationInfo) -> Any:
        if info.context == SENT and isinstance(value, (str, list)) and len(value) > self.most:
            if isinstance(value, str):
                raise PydanticKnownError("string_too_long", {"max_length": self.most})
            raise PydanticKnownError("too_long", {"field_type": "List", "max_length": self.most, "actual_length": len(value)})
        return value


def is_missing(fix: str) -> PydanticCustomError:
    """The error that a validator raises for a field that is required because alternatives are missing too."""
    return PydanticCustomError("missing_choice", "is missing; {words}", {"words": fix})


def _table(text: str) -> str:
    return str(TableName.parse(text))


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _each_once(tags: list[str]) -> list[str]:
    if repeated := next((tag for index, tag in enumerate(tags) if tag in tags[:index]), None):
        raise ValueError(f"names {repeated} twice; keep one")
    return tags


def _web_address(text: str) -> str:
    fault = "is no address of a page; write one that begins with https:// or http://, such as https://wiki.example.com/orders"
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError as error:
        raise ValueError(fault) from error
    if not is_address or not text.isprintable() or " " in text:
        raise ValueError(fault)
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a name or password, which everybody who sees the page would read; leave it out")
    return text


Flag = StrictBool
Whole = StrictInt
Column = Annotated[str, AfterValidator(check_identifier)]
Table = Annotated[str, AfterValidator(_table)]
Duration = Annotated[str, AfterValidator(_duration)]
RULE_OF_TABLE = Matching(  # of a set's rule, the set's name and a dot come first
    r"[a-z0-9_]{1,63}(\.[a-z0-9_]{1,63})?",
    "is no id of a rule; write 1 to 63 of a to z, 0 to 9 and _, such as dep_time_not_null,"
    " for a rule of a set after the set's name and a dot, such as keys.id_not_null",
)
RULE_SET_NAME = Matching(
    r"[a-z0-9_]{1,63}", "is no name of a rule set; write 1 to 63 of a to z, 0 to 9 and _, because ids of rules begin with it"
)
TARGET_NAME = Matching(
    r"[a-z0-9][a-z0-9_-]{0,62}",
    "is no name of a target; write 1 to 63 of a to z, 0 to 9, _ and -, with a letter or digit in front, such as nyc",
)
DATASET_NAME = Matching(
    r"[a-z0-9][a-z0-9_-]{0,62}",
    "is no name of a dataset; write 1 to 63 of a to z, 0 to 9, _ and -, with a letter or digit in front, such as departures",
)
RuleId = Annotated[str, RULE_OF_TABLE]
RuleSetName = Annotated[str, RULE_SET_NAME]
TargetName = Annotated[str, TARGET_NAME]
DatasetName = Annotated[str, DATASET_NAME]
Host = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    Matching(
        r"[^\s,\x00'\\]+",
        "is no single host; write one name, one address or the path of a socket's folder,"
        " without white space, commas, quotes and backslashes",
    ),
]
PasswordVariable = Annotated[
    str,
    Matching(
        r"TARGET_[A-Z0-9_]{1,100}",
        "is no variable of a target's password; write TARGET_ and then A to Z, 0 to 9 and _, such as TARGET_SHOP_PASSWORD",
    ),
]
PasswordFile = Annotated[
    str,
    Matching(
        r"([a-z0-9_-]{1,63}/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}",
        "is no name of a file in STRINGX_SECRETS; write letters, digits, _, . and -, without a folder or in that of the target,"
        " such as shop/password",
    ),
]
FunctionName = Annotated[
    str,
    Matching(r"[^.]{1,63}\.[^.]{1,63}", "is no function with its schema; write schema.function, such as public.code_of"),
]
Condition = Annotated[str, AtMost(MAX_SQL)]
Owner = Annotated[str, StringConstraints(max_length=200)]
Tag = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,62}",
        "is no tag; write 1 to 63 letters, digits, _ . : / and -, with a letter, digit or _ in front, such as finance",
    ),
]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(_each_once)]
WebAddress = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_web_address)]
Words = Annotated[str, StringConstraints(max_length=10_000)]

M = TypeVar("M", bound=BaseModel)


def parse_model(model: type[M], value: Any, pointer: str = "", extra: Literal["ignore"] | None = None) -> M:
    """Parse a value that a caller sent. Raises Invalid with every fault; `pointer` is where the value stands in the body.

    With `extra="ignore"`, unknown fields are no fault, because another release of this project may send them.
    """
    resolved, errors = resolve_plain(value, schema_of(model), pointer)
    try:
        parsed = model.model_validate(resolved, extra=extra, context=SENT)
    except ValidationError as error:
        errors += field_errors(error, model, resolved, pointer)
    if errors:
        raise invalid(errors)
    return parsed


_OBJECTS = {  # fields for which a text is easily written; what to write in its place
    "attach": "{ref: /data/reference.duckdb}",
    "csv_locations": "{shop.orders: {files: /data/orders/*.csv, columns: {id: bigint, day: date}}}",
    "digest": '{day: friday, time: "16:00", timezone: Europe/Berlin}',
    "expected_by": '{time: "06:30", timezone: Europe/Berlin}',
    "quiet": '{from: "22:00", to: "07:00", timezone: Europe/Berlin}',
}
_IN_OBJECTS = {"csv_locations": "{files: /data/orders/*.csv, columns: {id: bigint, day: date}}"}  # the same for what is in them
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}


@cache
def schema_of(model: type[BaseModel]) -> JsonSchema:
    """The model's JSON Schema, made once per process; callers must not change it."""
    return model.model_json_schema()


def field_errors(error: ValidationError, model: type[BaseModel], value: Any, pointer: str = "") -> list[FieldError]:
    """pydantic's errors as pointers and sentences, one per field. Errors about a field's alternatives are joined with `or`."""
    by_pointer: dict[str, list[str]] = {}
    for item in error.errors(include_url=False)[: MAX_FAULTS + 1]:
        fault = _field_error(item, model, value, pointer)
        by_pointer.setdefault(fault.pointer, []).append(fault.message)
    return [FieldError(where, ", or ".join(dict.fromkeys(messages))) for where, messages in by_pointer.items()]


def _path(value: Any, item: Any) -> list[str | int]:
    """pydantic's location without the names of the alternatives that it tried, which are not part of the value."""
    path: list[str | int] = []
    for part in item["loc"]:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]
        elif item["type"] not in ("missing", "missing_choice") or not isinstance(value, dict):
            break
        path.append(part)
    return path


def _is_plain(given: Any) -> bool:
    """Whether it is a text that can be quoted as it stands."""
    return isinstance(given, str) and len(given) <= 100 and given.isprintable() and not {'"', "\\"} & set(given)


def _field_error(item: Any, model: type[BaseModel], value: Any, pointer: str) -> FieldError:
    where = pointer + "".join(f"/{escape_pointer(part)}" for part in _path(value, item))
    kind, context = item["type"], item.get("ctx", {})
    match kind:
        case "missing":
            message = "is missing"
        case "extra_forbidden":
            message = _unknown(item["loc"], model)
        case "literal_error" | "enum":
            message = f"must be {context['expected']}"
        case "value_error":
            message = str(context["error"])
        case "model_type" | "dict_type" | "model_attributes_type":
            before, _, name = where.rpartition("/")
            example = _OBJECTS.get(name) or _IN_OBJECTS.get(before.rpartition("/")[2])
            message = "must be an object" + (f", such as {example}" if example else "")
        case "list_type":
            message = "must be a list" + (f'; write ["{item["input"]}"]' if _is_plain(item["input"]) else "")
        case "string_type":
            message = "must be a text" + ("; quote it" if isinstance(item["input"], (int, float)) else "")
        case "int_type" | "int_from_float":
            message = "must be a whole number"
        case "bool_type":
            message = "must be true or false"
        case "too_short" | "too_long" | "string_too_short" | "string_too_long":
            message = _of_length(kind, context)
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            words, bound = _BOUNDS[kind]
            message = f"must be {words} {context[bound]}"
        case _ if kind.startswith(("datetime_", "timezone_")):
            message = "is no RFC 3339 time; write one such as 2026-12-31T06:00:00Z"
        case _:
            message = str(item["msg"])[:1].lower() + str(item["msg"])[1:]
    return FieldError(where, message)


def _unknown(path: Sequence[str | int], model: type[BaseModel]) -> str:
    """About a field that does not stand there. One of this very name may stand elsewhere."""
    name = str(path[-1])
    if name not in _all_fields(model):
        return f"unknown field{did_you_mean(name, _all_fields(model))}"
    if "overrides" in path[:-1]:
        return "cannot be changed: it is as the rule set says; leave it out"
    return "unknown field here; it has another place in the document"


def _of_length(kind: str, context: JsonObject) -> str:
    """About a text or list that is too short or too long."""
    is_short = kind.endswith("short")
    least = context["min_length" if is_short else "max_length"]
    if is_short and least == 1:
        return "must not be empty"
    unit = "character" if kind.startswith("string") else "item"
    return f"must have at {'least' if is_short else 'most'} {least:,} {unit}{'' if least == 1 else 's'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the most similar known name, as the end of a sentence; empty if none is similar. Case is ignored."""
    lowered = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name[:100].lower(), lowered, n=1)
    return f"; did you mean {lowered[close[0]]}?" if close else ""


@cache
def _all_fields(model: type[BaseModel]) -> frozenset[str]:
    schema = schema_of(model)
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))
