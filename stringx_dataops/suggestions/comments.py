"""What comments of columns say that a rule can hold. Only a few plain phrases are understood; the data have to agree."""

import re

_ONE_OF = re.compile(r"\bone of\b:?\s*([^.;()]{3,300})", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*(?:,|\||/|\bor\b)\s*", re.IGNORECASE)
_QUOTES = "'\"`‘’“” "
_UNIQUE = re.compile(r"\bunique\b", re.IGNORECASE)
_NOT_UNIQUE = re.compile(r"\b(not|non|isn't|is not)[- ]*unique\b", re.IGNORECASE)
_PERCENT = re.compile(r"\bper ?cent(age)?\b|\bin %", re.IGNORECASE)
_NOT_NEGATIVE = re.compile(r"\b(not|never|non)[- ]?negative\b|>= ?0\b|\balways positive\b", re.IGNORECASE)


def listed_values(comment: str | None) -> list[str]:
    """The values that stand behind *one of*, if there are several."""
    match = _ONE_OF.search(comment or "")
    values = [part.strip(_QUOTES) for part in _SEPARATORS.split(match[1])] if match else []
    found = list(dict.fromkeys(value for value in values if value))
    return found if len(found) > 1 else []


def says_unique(comment: str | None) -> bool:
    return bool(comment and _UNIQUE.search(comment) and not _NOT_UNIQUE.search(comment))


def limits(comment: str | None) -> tuple[float | None, float | None]:
    """The least and the greatest number that it allows; None if it says nothing."""
    if comment and _PERCENT.search(comment):
        return 0.0, 100.0
    return (0.0, None) if comment and _NOT_NEGATIVE.search(comment) else (None, None)
