"""Functions and types whose result is as large as an argument says: in custom SQL that is a constant, and no large one."""

import math
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from stringx_dataops.contract.custom_sql.postgres.tokens import name_of
from stringx_dataops.contract.iso_times import parse_iso

MOST = 10_000  # characters, or times
MOST_ROWS = 6_000_000  # of a series: a server keeps so many numbers in a temporary file of some 100 MB
_SIZE_AT = {"repeat": 1, "lpad": 1, "rpad": 1}  # the place of the argument that is the size
FILLED_TYPES = frozenset({"char", "character", "bpchar", "bit", "nchar"})  # which fill up a value to their length
_SIZED = frozenset({*_SIZE_AT, "format"})
_INSIDE = {"repeat": 0, "replace": 1, "regexp_replace": 1}  # how many of these may stand in it, where sizes multiply
_REPLACING = frozenset({"replace", "regexp_replace"})
_JUDGED = _SIZED | _REPLACING | {"bpchar"}
_NESTED = 50  # of those above, within one: more take long to judge
_UNKNOWN = 100  # times as long, where the replacement is no constant: two of them may be nested, three not
_WIDTH = re.compile(r"%(?:[0-9]+\$)?-*(\*|[0-9]+)")
_STEP = re.compile(r"\s*([0-9]+)\s*(second|minute|hour|day|week|month|year)s?\s*")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604_800, "month": 2_419_200, "year": 31_536_000}
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})


def fault_of_size(name: str, tokens: list[Token], paren: int) -> str | None:
    """What is wrong with the size that a call, or a type with a length, has in the parenthesis at this place."""
    most = f"a whole number of at most {MOST:,}"
    if name in FILLED_TYPES:
        arguments = _arguments(tokens, paren)
        if name == "bpchar" and len(arguments) == 1 and not _is_type(tokens, paren, arguments[0]):
            return _fault_of_nesting(name, arguments)  # a function: bpchar(x) is as long as x
        length = _whole(arguments[0]) if len(arguments) == 1 else None
        return f"has the type {name} with a length that is not {most}" if length is None or length > MOST else None
    if name == "generate_series":
        rows = _rows(_arguments(tokens, paren))
        if rows is None or rows > MOST_ROWS:
            return f"calls generate_series for more than {MOST_ROWS:,} rows, or not from constant to constant by a constant step"
        return None
    if name not in _SIZED and name not in _INSIDE:
        return None
    arguments = _arguments(tokens, paren)
    if fault := _fault_of_nesting(name, arguments):
        return fault
    size = None
    if name in _SIZE_AT:
        size = _whole(arguments[_SIZE_AT[name]]) if len(arguments) > _SIZE_AT[name] else None
        if size is None or size > MOST:
            return f"calls {name} with a size that is not {most}, written as such"
    if name == "format":
        widths = _widths(arguments[0])
        if widths is None or any(width == "*" or int(f"0{width.lstrip('0')[:6]}") > MOST for width in widths):
            return f"calls format with a width that is not {most}, or without a constant text as the first argument"
    inner = [word for word in _called(arguments) if word in _SIZED]
    if len(inner) > _INSIDE.get(name, len(inner)):
        return f"calls {inner[-1]} within {name}, whose sizes multiply; call one of them only"
    if name in _INSIDE:
        times = size if size is not None else _growth(name, arguments)
        for word, inside in _calls(arguments):
            times *= _growth(word, inside)
        if times > MOST:
            return f"calls {name} with replacements that make a text over {MOST:,} times as long; nest fewer, or shorter ones"
    return None


def _fault_of_nesting(name: str, arguments: list[list[Token]]) -> str | None:
    count = sum(word in _JUDGED for word in _called(arguments))
    return f"calls {name} with more than {_NESTED} calls such as replace in it; make a view of it" if count > _NESTED else None


def _is_type(tokens: list[Token], paren: int, argument: list[Token]) -> bool:
    """Whether a name is that of a type: behind a cast, or before a text."""
    at = paren - 1
    while at >= 2 and tokens[at - 1].token_type == TokenType.DOT:
        at -= 2
    before = tokens[at - 1] if at else None
    if before is not None and (before.token_type == TokenType.DCOLON or (before.text.lower() == "as" and not _is_quoted(before))):
        return True
    end = paren + len(argument) + 2
    return end < len(tokens) and tokens[end].token_type == TokenType.STRING


def _is_quoted(token: Token) -> bool:
    return token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)


def _growth(name: str, arguments: list[list[Token]]) -> int:
    """An upper bound for (length of the replaced text) / (length of the text); a guess if the replacement is not a constant."""
    texts = [sum(len(token.text) for token in argument if token.token_type == TokenType.STRING) for argument in arguments]
    constant = [len(argument) == 1 and argument[0].token_type == TokenType.STRING for argument in arguments]
    if len(arguments) < 3 or not constant[2]:
        return max(_UNKNOWN, *texts)
    if name == "regexp_replace":  # which may replace the empty text at every place
        return texts[2] + 1 if texts[2] else 1
    return max(1, math.ceil(texts[2] / max(1, texts[1] if constant[1] else 1)))


def _arguments(tokens: list[Token], paren: int) -> list[list[Token]]:
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[paren + 1 :]:
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1, TokenType.L_BRACKET: 1, TokenType.R_BRACKET: -1}.get(
            token.token_type, 0
        )
        if depth < 0:
            break
        if depth == 0 and token.token_type == TokenType.COMMA:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _calls(arguments: list[list[Token]]) -> Iterator[tuple[str, list[list[Token]]]]:
    """The calls in arguments of what replaces, each with arguments of its own."""
    for argument in arguments:
        opened: list[tuple[str, list[int]]] = []  # what stands before a parenthesis, and where its arguments begin
        for index, token in enumerate(argument):
            if token.token_type in (TokenType.L_PAREN, TokenType.L_BRACKET):
                before = argument[index - 1] if index and token.token_type == TokenType.L_PAREN else None
                opened.append((name_of(before) if before is not None else "", [index + 1]))
            elif token.token_type == TokenType.COMMA and opened:
                opened[-1][1].append(index + 1)
            elif token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET) and opened:
                name, begins = opened.pop()
                if name in _REPLACING:
                    ends = [*(begin - 1 for begin in begins[1:]), index]
                    yield name, [argument[begin:end] for begin, end in zip(begins, ends, strict=True)]


def _called(arguments: list[list[Token]]) -> Iterator[str]:
    for argument in arguments:
        for token, after in pairwise(argument):
            if after.token_type == TokenType.L_PAREN:
                yield name_of(token)


def _number(argument: list[Token]) -> Decimal | None:
    sign = -1 if argument and argument[0].token_type == TokenType.DASH else 1
    if sign < 0:
        argument = argument[1:]
    if len(argument) != 1 or argument[0].token_type != TokenType.NUMBER:
        return None
    try:
        return sign * Decimal(argument[0].text)
    except InvalidOperation:
        return None


def _whole(argument: list[Token]) -> int | None:
    number = _number(argument)
    return int(number) if number is not None and abs(number) < 10**12 and number == int(number) else None


def _widths(argument: list[Token]) -> list[str] | None:
    """Widths of a format, where it is one constant text."""
    if len(argument) != 1 or argument[0].token_type != TokenType.STRING:
        return None
    return _WIDTH.findall(argument[0].text)


def _rows(arguments: list[list[Token]]) -> int | None:
    """How many rows a series of numbers or moments has at most; None where it is not between constants."""
    numbers = [_number(argument) for argument in arguments]
    if len(numbers) in (2, 3) and None not in numbers:
        low, high, step = (*numbers, Decimal(1))[:3]
        return _count(high - low, step) if low is not None and high is not None and step is not None else None
    if len(arguments) != 3:
        return None
    first, last, seconds = _moment(arguments[0]), _moment(arguments[1]), _seconds(arguments[2])
    if first is None or last is None or seconds is None:
        return None
    return _count(Decimal((last - first).total_seconds()), Decimal(seconds))


def _count(distance: Decimal, step: Decimal) -> int | None:
    if step == 0 or not distance.is_finite() or not step.is_finite() or abs(step) < Decimal("1e-20"):
        return None
    return int(min(distance / step, Decimal(MOST_ROWS))) + 1 if distance / step >= 0 else 0


def _typed(argument: list[Token], types: frozenset[str]) -> str | None:
    """The text of `date '…'`, `'…'::date` or a plain '…'."""
    texts = [token for token in argument if token.token_type == TokenType.STRING]
    words = [token.text.lower() for token in argument if token.token_type not in (TokenType.STRING, TokenType.DCOLON)]
    is_cast = len(argument) == 3 and argument[0] is texts[:1][0] if texts else False
    is_plain = len(argument) - len(words) == 1 and len(words) <= 1
    if len(texts) != 1 or not (is_cast or is_plain) or any(word not in types for word in words):
        return None
    return texts[0].text


def _moment(argument: list[Token]) -> datetime | None:
    text = _typed(argument, _MOMENTS)
    try:
        return parse_iso(text.strip()).replace(tzinfo=None) if text is not None else None
    except ValueError:
        return None


def _seconds(argument: list[Token]) -> int | None:
    sign = 1
    text = _typed(argument, frozenset({"interval"}))
    if text is not None and text.strip().startswith("-"):
        sign, text = -1, text.strip()[1:]
    found = _STEP.fullmatch(text.lower()) if text is not None else None
    return sign * int(found.group(1)[:12]) * _SECONDS[found.group(2)] if found else None
