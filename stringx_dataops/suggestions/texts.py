"""Texts: formats, what they can be read as, lengths of codes, and blanks around them."""

from collections.abc import Iterator

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.engines import Engine
from stringx_dataops.suggestions.head_room import percent, share_above, share_text

NEARLY_ALL = 0.99  # of the values have the format, for a rule
FEWEST_VALUES = 5  # different ones: a few fit a format by chance
LONGEST_CODE = 64
MOST_ODD = 0.003  # values that do not have a shape, each of several
# A text of one format is mostly of one; the first counts. What PostgreSQL reads is looser, so it comes later.
_FORMATS = ("uuid", "email", "url", "ipv4", "ipv6", "e164", "country_alpha2", "currency", "date", "timestamp", "json")
_CASTS = ("numeric", "date", "timestamp")


def drafts(known: Known) -> Iterator[Draft]:
    """At most one rule for the form, and one for the length or for blanks."""
    for seen in known.columns():
        if not seen.is_text or seen.values < FEWEST_ROWS:
            continue
        form = _form(seen)
        if form:
            yield form
            continue
        shapes = list(_shape(seen, known.engine))
        yield from shapes or _length(seen)


def _form(seen: Seen) -> Draft | None:
    column = seen.column
    if column.distinct is not None and column.distinct < FEWEST_VALUES:
        return None
    for name in _FORMATS:
        if fitting := _nearly_all(seen, (column.formats or {}).get(name)):
            arguments = {"format": name}
            return _with_tolerance(seen, f"{seen.name}_format", "format", arguments, fitting, f"have the format {name}", 0.85)
    lengths = column.length
    if lengths is not None and lengths.min == lengths.max and _holds(seen, "digits"):
        return None  # codes, whose length says more
    for name in _CASTS:
        if fitting := _nearly_all(seen, (column.castable or {}).get(name)):
            arguments = {"to": name}
            return _with_tolerance(seen, f"{seen.name}_castable", "castable", arguments, fitting, f"can be read as {name}", 0.82)
    return None


def _nearly_all(seen: Seen, fitting: int | None) -> int | None:
    """The count, if nearly all values are among it, now and in older profiles."""
    return fitting if fitting and fitting >= seen.values * NEARLY_ALL else None


def _with_tolerance(
    seen: Seen, name: str, rule_type: str, arguments: JsonObject, fitting: int, words: str, value: float
) -> Draft:
    """A share of all rows, as thresholds are."""
    violating = seen.values - fitting
    if not violating and not seen.is_sample:
        return Draft(name, seen.rule(rule_type, arguments=arguments), f"All {seen.values:,} values {words}.", value)
    fails = share_text(share_above(violating, seen.rows))
    reason = f"{percent(fitting / seen.values)} of {seen.values:,} values {words}, {violating:,} do not."
    if not violating:
        reason = f"All {seen.values:,} values of a sample {words}."
    return Draft(name, seen.rule(rule_type, arguments=arguments, fail_above=fails), reason, value - 0.05)


def _length(seen: Seen) -> Iterator[Draft]:
    """The length of codes; of other texts, one that is far beyond what there is."""
    lengths = seen.column.length
    if lengths is None:
        return
    if 0 < lengths.min == lengths.max <= LONGEST_CODE and (seen.column.distinct or FEWEST_VALUES) >= 2:
        rule = seen.rule("length", arguments={"min": lengths.min, "max": lengths.max})
        yield Draft(f"{seen.name}_length", rule, f"All {seen.values:,} values have {lengths.max} characters.", 0.83)


def _shape(seen: Seen, engine: Engine) -> Iterator[Draft]:
    """The narrowest pattern that nearly all values match. It notices other encodings, letters in another case, and blanks."""
    pattern = _pattern(seen, engine)
    if pattern is None:
        return
    shapes, written, negate = pattern
    fitting = seen.values - sum(_missing(seen, shape) for shape in shapes)
    arguments: JsonObject = {"pattern": written} | ({"negate": True} if negate else {})
    words = f"are {_listed([_WORDS[shape] for shape in shapes])}"
    yield _with_tolerance(seen, f"{seen.name}_form", "regex", arguments, fitting, words, 0.81)


_WORDS = {
    "digits": "digits alone",
    "alphanumeric": "ASCII letters and digits",
    "upper": "without small letters",
    "lower": "without capital letters",
    "capital": "without a small letter at the beginning",
    "ascii": "ASCII",
    "clean": "without traces of another encoding",
    "unpadded": "without blanks around them",
}


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


def _pattern(seen: Seen, engine: Engine) -> tuple[list[str], str, bool] | None:
    """(shapes, pattern, whether a match violates)."""
    lengths = seen.column.length
    times = "+"
    if lengths is not None and 0 < lengths.min == lengths.max <= LONGEST_CODE:
        times = f"{{{lengths.max}}}"
    case = next((shape for shape in ("upper", "lower", "capital") if _holds(seen, shape)), None)
    if _holds(seen, "digits"):
        return ["digits"], f"^[0-9]{times}$", False
    if _holds(seen, "alphanumeric"):
        letters = {"upper": "A-Z", "lower": "a-z"}.get(case or "", "A-Za-z")
        return ["alphanumeric", *([case] if case in ("upper", "lower") else [])], f"^[{letters}0-9]{times}$", False
    if _holds(seen, "ascii") and _holds(seen, "unpadded"):
        # Of ASCII: without a-z, without A-Z, or all that is printed.
        inner = {"upper": "!-`{-~", "lower": engine.without_capitals}.get(case or "", "!-~")
        first = "!-`{-~" if case == "capital" else inner
        whole = f"^[{first}]([ {inner}]*[{inner}])?$"
        return ["ascii", "unpadded", *([case] if case else [])], whole, False
    if _holds(seen, "clean") and _holds(seen, "unpadded"):
        return ["clean", "unpadded"], engine.unclean, True
    return None


def _holds(seen: Seen, shape: str) -> bool:
    return _missing(seen, shape) <= seen.values * MOST_ODD


def _missing(seen: Seen, shape: str) -> int:
    """How many values do not have the shape; all if that is not known."""
    column = seen.column
    if shape == "unpadded":
        return seen.values if column.padded is None else column.padded + (column.blanks or 0)
    count = (column.shapes or {}).get(shape)
    return seen.values if count is None else seen.values - count
