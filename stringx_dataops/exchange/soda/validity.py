"""What is missing and what is invalid in a column, as Soda counts it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.soda.formats import FORMATS, NUMERIC_FORMATS
from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.sql import literal, quoted
from stringx_dataops.exchange.zones import is_natural, number, plain

_LISTS = ("missing values", "valid values", "invalid values")
_PATTERNS = ("missing regex", "valid regex", "invalid regex", "missing format", "valid format", "invalid format")
_LENGTHS = ("valid length", "valid min length", "valid max length")
KEYS = frozenset((*_LISTS, *_PATTERNS, *_LENGTHS, "valid min", "valid max", "include null"))


@dataclass(frozen=True)
class Validity:
    """By the names that SodaCL has for them, in underscores. A pattern is a regular expression of PostgreSQL."""

    missing_values: tuple[Any, ...] | None = None
    missing_regex: str | None = None
    valid_values: tuple[Any, ...] | None = None
    valid_regex: str | None = None
    valid_length: int | None = None
    valid_min_length: int | None = None
    valid_max_length: int | None = None
    valid_min: Decimal | None = None
    valid_max: Decimal | None = None
    invalid_values: tuple[Any, ...] | None = None
    invalid_regex: str | None = None
    include_null: bool = False
    reads_numbers: bool = False  # aggregates read texts as numbers

    @property
    def finds_missing(self) -> bool:
        """Whether more than NULL is missing."""
        return self.missing_values is not None or self.missing_regex is not None

    @property
    def finds_invalid(self) -> bool:
        """Whether anything is said of valid values."""
        said = {**vars(self), "missing_values": None, "missing_regex": None, "include_null": None, "reads_numbers": None}
        return any(value is not None for value in said.values())

    def missing(self, column: str) -> str:
        """The condition that a row's value is missing."""
        name = quoted(column)
        found = [f"{name} is null"]
        if self.missing_values is not None:
            found.append(f"{name} in {_listed(self.missing_values)}")
        if self.missing_regex is not None:
            found.append(f"{name} ~ {literal(self.missing_regex)}")
        return " or ".join(found)

    def valid(self, column: str) -> str | None:
        """The condition on values that are not missing; None if there is none."""
        name = quoted(column)
        found = []
        if self.valid_values is not None:
            found.append(f"{name} in {_listed(self.valid_values)}" if self.valid_values else "false")
        if self.valid_regex is not None:
            found.append(f"{name} ~ {literal(self.valid_regex)}")
        for sign, length in (("=", self.valid_length), (">=", self.valid_min_length), ("<=", self.valid_max_length)):
            if length is not None:
                found.append(f"length({name}) {sign} {length}")
        for sign, bound in ((">=", self.valid_min), ("<=", self.valid_max)):
            if bound is not None:
                found.append(f"{name} {sign} {plain(bound)}")
        return " and ".join(found) or None

    def invalid(self, column: str) -> str | None:
        """What is invalid among values that are not missing, beside what is not valid; None if nothing is."""
        name = quoted(column)
        found = []
        if self.invalid_values is not None:
            found.append(f"{name} in {_listed(self.invalid_values)}" if self.invalid_values else "false")
        if self.invalid_regex is not None:
            found.append(f"{name} ~ {literal(self.invalid_regex)}")
        return " or ".join(found) or None

    def violation(self, column: str) -> str:
        """The condition that a row's value counts as invalid."""
        words = f"not ({self.missing(column)}) and ({self.faults(column)})"
        return f"{words} or {quoted(column)} is null" if self.include_null else words

    def faults(self, column: str) -> str:
        """The condition that a value, missing or not, is not valid."""
        valid, invalid = self.valid(column), self.invalid(column)
        return " or ".join(fault for fault in (f"not ({valid})" if valid else None, f"({invalid})" if invalid else None) if fault)

    def rule(self, column: str) -> JsonObject:
        """The row rule whose failures are what counts as invalid: a type of its own where one says the same."""
        if not self.finds_missing and not self.include_null and (natural := self._natural()) is not None:
            return {"column": column, **natural}
        return {"type": "expression", "column": column, "arguments": {"sql": f"not ({self.violation(column)})"}}

    def missing_rule(self, column: str) -> JsonObject:
        """The row rule whose failures are what is missing."""
        if not self.finds_missing:
            return {"type": "not_null", "column": column}
        return {"type": "expression", "column": column, "arguments": {"sql": f"not ({self.missing(column)})"}}

    def _natural(self) -> JsonObject | None:
        given = {
            name for name, value in vars(self).items() if value is not None and name not in ("include_null", "reads_numbers")
        }
        if given == {"valid_values"} and _are_natural(self.valid_values):
            return {"type": "accepted_values", "arguments": {"values": list(self.valid_values or ())}}
        if given == {"invalid_values"} and _are_natural(self.invalid_values):
            return {"type": "rejected_values", "arguments": {"values": list(self.invalid_values or ())}}
        if given in ({"valid_regex"}, {"invalid_regex"}):
            negate = {"negate": True} if self.invalid_regex is not None else {}
            return {"type": "regex", "arguments": {"pattern": self.valid_regex or self.invalid_regex or "", **negate}}
        if given and given <= {"valid_length", "valid_min_length", "valid_max_length"}:
            return self._lengths()
        limits = {"min": self.valid_min, "max": self.valid_max}
        numbers = {name: limit for name, limit in limits.items() if limit is not None}
        # NaN is above a minimum alone, but not between; and the bounds must mean the same as the column's type
        if given in ({"valid_max"}, {"valid_min", "valid_max"}) and all(map(is_natural, numbers.values())):
            ordered = len(numbers) == 1 or numbers["min"] <= numbers["max"]
            values = {name: number(limit) for name, limit in numbers.items()}
            return {"type": "between", "arguments": values} if ordered else None
        return None

    def _lengths(self) -> JsonObject | None:
        lows = [length for length in (self.valid_length, self.valid_min_length) if length is not None]
        highs = [length for length in (self.valid_length, self.valid_max_length) if length is not None]
        found = ({"min": max(lows)} if lows else {}) | ({"max": min(highs)} if highs else {})
        if any(length < 0 for length in (*lows, *highs)) or (lows and highs and max(lows) > min(highs)):
            return None
        return {"type": "length", "arguments": found}


def _are_natural(values: tuple[Any, ...] | None) -> bool:
    """Whether the values mean the same if they are read as the column's type: fractions may not."""
    return all(isinstance(value, str) or (type(value) is int and is_natural(Decimal(value))) for value in values or ())


def _listed(values: tuple[Any, ...]) -> str:
    return f"({', '.join(map(_value, values))})"


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(Decimal(str(value))) if isinstance(value, (int, float)) else literal(value)


def read_validity(fields: JsonObject) -> Validity:
    """The validity that the configuration of a SodaCL check has. Raises NotUnderstood."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        name = key.replace(" ", "_")
        if key in _LISTS:
            found[name] = _list_of(key, value)
        elif key in _PATTERNS:
            part, kind = key.split(" ")
            pattern = _format_of(value) if kind == "format" else _pattern_of(key, value)
            if f"{part}_regex" in found:
                raise NotUnderstood(f"has both a {part} format and a {part} regex; keep one")
            found[f"{part}_regex"] = pattern
        elif key in _LENGTHS:
            found[name] = whole(key, value)
        elif key in ("valid min", "valid max"):
            found[name] = decimal(key, value)
        elif key == "include null":
            if not isinstance(value, bool):
                raise NotUnderstood(f"{key} must be true or false")
            found[name] = value
    found["reads_numbers"] = fields.get("valid format") in NUMERIC_FORMATS
    if found["reads_numbers"] and ("valid_min" in found or "valid_max" in found):
        raise NotUnderstood("compares texts as numbers by their format; cast the column in a view")
    return Validity(**found)


def whole(key: str, value: Any) -> int:
    """A whole number. Raises NotUnderstood."""
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).strip().lstrip("+-").isdecimal():
        raise NotUnderstood(f"{key} must be a whole number")
    return int(value)


def decimal(key: str, value: Any) -> Decimal:
    """A finite number. Raises NotUnderstood."""
    try:
        found = Decimal(str(value))
    except ArithmeticError as error:
        raise NotUnderstood(f"{key} must be a number") from error
    if isinstance(value, bool) or not found.is_finite():
        raise NotUnderstood(f"{key} must be a number")
    return found


def _list_of(key: str, value: Any) -> tuple[Any, ...] | None:
    if not isinstance(value, list):
        raise NotUnderstood(f"{key} must be a list")
    if not (all(isinstance(item, str) for item in value) or all(type(item) in (int, float) for item in value)):
        raise NotUnderstood(f"{key} must be only texts or only numbers; dates and booleans are neither")
    if any(isinstance(item, str) and ("'" in item or "\\" in item) for item in value):
        raise NotUnderstood(f"{key} holds a quote or a backslash, which SodaCL hands to the database as they are")
    return tuple(value) if value else None


def _pattern_of(key: str, value: Any) -> str:
    """SodaCL puts a pattern between quotes as it is, so that a quote in it is written twice."""
    if not isinstance(value, str):
        raise NotUnderstood(f"{key} must be a text")
    if "'" in value.replace("''", ""):
        raise NotUnderstood(f"{key} holds a single quote, which ends the text in SodaCL's SQL; write it twice")
    return value.replace("''", "'")


def _format_of(value: Any) -> str:
    pattern = FORMATS.get(value) if isinstance(value, str) else None
    if pattern is None:
        raise NotUnderstood(f"the format {value!r} is not taken up; write its pattern as a regex")
    return pattern
