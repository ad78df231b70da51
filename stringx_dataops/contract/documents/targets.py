"""Reading target documents: a union of the models in `engines/`, told apart by `adapter`."""

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from pydantic import BaseModel, RootModel, create_model

from stringx_dataops.contract.adapters import ADAPTERS, Adapter, adapter_of
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.engines.base import TargetDocument, hash_of
from stringx_dataops.contract.documents.engines.duckdb import DuckdbTarget
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget
from stringx_dataops.contract.documents.engines.trino import TrinoTarget
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, Invalid, invalid

MODELS: dict[Adapter, type[TargetDocument]] = {"postgres": PostgresTarget, "duckdb": DuckdbTarget, "trino": TrinoTarget}
_DOCUMENTS = "A database whose tables are checked. Which fields it has depends on its adapter."


def model_of(document: Any) -> type[TargetDocument]:
    """The model that reads the document. If its adapter is not known, this is the default's, which refuses it."""
    return MODELS[adapter_of(document)]


def stored_target(document: Mapping[str, Any]) -> TargetDocument:
    """A target from its stored document; pydantic's ValidationError if another release has stored what this one cannot read."""
    return model_of(document).model_validate(document)


def parse_target(value: Any, pointer: str = "") -> TargetDocument:
    """A target from its document; Invalid with every fault."""
    places = islice(_with_variable(value, ""), MAX_FAULTS)
    errors = [FieldError(f"{pointer}{place}", "holds ${, and variables are not filled in") for place in places]
    try:
        document = parse_model(model_of(value), value, pointer)
    except Invalid as fault:
        known = {error.pointer for error in errors}
        others = (_of_union(error, pointer, adapter_of(value)) for error in fault.errors if error.pointer not in known)
        unknown = isinstance(value, dict) and value.get("adapter", ADAPTERS[0]) not in ADAPTERS
        # Of an adapter that is not known, nobody knows the fields.
        raise invalid([*errors, *(error for error in others if not unknown or error.pointer == f"{pointer}/adapter")]) from fault
    if errors:
        raise invalid(errors)
    return document


def database_hash(document: Mapping[str, Any]) -> str:
    """Names what is checked. The document may be one that another release has stored, or of an adapter that is not known here."""
    return hash_of(model_of(document).identity_of(document))


def judge_of(targets: Mapping[str, Any]) -> Callable[[str], Judge]:
    """Returns, for a target's name, a judge of custom SQL on it. `targets` are the documents by name, not of every name."""

    def judge(name: str) -> Judge:
        document = targets.get(name, {})
        attached = document.get("attach", {}) if adapter_of(document) == "duckdb" else None
        databases = frozenset(attached) if isinstance(attached, dict) else None
        return Judge(dialect_of(adapter_of(document)), frozenset(document.get("allow_functions", ())), databases)

    return judge


def described() -> type[BaseModel]:
    """The model that OpenAPI shows as TargetDocument: one of the engines' own."""
    union = reduce(or_, MODELS.values())
    return create_model("TargetDocument", __base__=RootModel[union], __doc__=_DOCUMENTS)  # type: ignore[valid-type]


def _of_union(error: FieldError, pointer: str, adapter: Adapter) -> FieldError:
    """The model that was tried knows itself only. So a fault of `adapter` names the adapters of all models, and an unknown field
    that another engine has says so."""
    if error.message == "unknown field":
        of = [other for other, model in MODELS.items() if error.pointer.removeprefix(f"{pointer}/") in model.model_fields]
        return FieldError(error.pointer, f"is no field of {adapter}, but of {of[0]}; leave it out") if of else error
    if error.pointer != f"{pointer}/adapter" or not error.message.startswith("must be "):
        return error
    *most, last = map(repr, ADAPTERS)
    return FieldError(error.pointer, f"must be {', '.join(most)} or {last}" if most else f"must be {last}")


def _with_variable(value: Any, pointer: str) -> Iterator[str]:
    """The places of texts that hold `${`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _with_variable(item, f"{pointer}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_variable(item, f"{pointer}/{index}")
    elif isinstance(value, str) and "${" in value:
        yield pointer
