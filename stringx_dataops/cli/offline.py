"""Commands that ask no Backend."""

import functools
from collections.abc import Callable
from typing import ParamSpec

from stringx_dataops.cli.output import one_line
from stringx_dataops.errors import Refused

_Given = ParamSpec("_Given")


def offline(name: str) -> Callable[[Callable[_Given, int]], Callable[_Given, int]]:
    """Says of an error that nobody has foreseen that it is the command's own, because no Backend has answered."""

    def wrap(command: Callable[_Given, int]) -> Callable[_Given, int]:
        @functools.wraps(command)
        def run(*given: _Given.args, **more: _Given.kwargs) -> int:
            try:
                return command(*given, **more)
            except UnicodeEncodeError:
                raise
            except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
                cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                raise Refused(
                    [one_line(f"dataops {name} has a fault of its own ({cause}); report it with what you gave it")]
                ) from error

        return run

    return wrap
