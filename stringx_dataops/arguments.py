"""The arguments of the Python client: a wrong one is a ValueError that names it and says what it may be, before anything is
sent."""

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import date
from math import isnan
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_SHOWN = 60  # characters of a value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not isnan(value)


def _are_texts(value: Any) -> bool:
    is_list = not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__iter__") and hasattr(value, "__len__")
    return is_list and all(map(_is_text, value))


def _is_moment(value: Any) -> bool:
    return _is_text(value) or isinstance(value, date)


_Kind = tuple[str, Callable[[Any], bool]]
_TEXT: _Kind = ("a text", _is_text)
_TEXTS: _Kind = ("a list of texts", _are_texts)
_MOMENT: _Kind = ("an RFC 3339 time or a datetime", _is_moment)
_CALLABLE: _Kind = ("a function", callable)
_KINDS: dict[str, _Kind] = {
    **dict.fromkeys(("url", "key", "user_agent", "target", "table", "dataset", "request_id"), _TEXT),
    **dict.fromkeys(("incident_id", "text", "note", "assignee", "name", "rule", "check_id", "mark"), _TEXT),
    **dict.fromkeys(("rule_ids", "kinds", "dimensions"), _TEXTS),
    **dict.fromkeys(("not_before", "since", "until"), _MOMENT),
    "on_wait": _CALLABLE,
    "path": ("a path such as /api/v1/waivers", lambda value: _is_text(value) and value.startswith("/")),
    "wait": (
        "a number of seconds, not below 0, or True for ten minutes",
        lambda value: isinstance(value, bool) or (_is_number(value) and value >= 0),
    ),
    "timeout": ("a number of seconds above 0", lambda value: _is_number(value) and value > 0),
    "timeout_s": ("a whole number of seconds above 0", lambda value: _is_number(value) and value > 0 and value == int(value)),
    "poll_s": ("a number of seconds, not below 0", lambda value: _is_number(value) and value >= 0),
    "window": ("a mapping with from, to and column", lambda value: isinstance(value, Mapping)),
    "query": ("a mapping of texts", lambda value: isinstance(value, Mapping)),
    "filters": (
        "texts",
        lambda value: all(isinstance(each, (str, int)) and not isinstance(each, bool) for each in value.values()),
    ),
}


def checked(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """The method, which raises ValueError for an argument of its that is not what its name stands for. None is for arguments that
    may be left out."""
    signature = inspect.signature(method)
    optional = {name for name, parameter in signature.parameters.items() if parameter.default is None}

    @functools.wraps(method)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            words, fits = _KINDS.get(name, ("", None))
            if fits is None or (value is None and name in optional) or fits(value):
                continue
            raise ValueError(f"{name} is {_shown(name, value)}; give {words}")
        return method(*args, **kwargs)

    return wrapped


def _shown(name: str, value: Any) -> str:
    """The value in a message; never that of a key."""
    text = type(value).__name__ if name == "key" else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
