"""A warm peer's side of the conversation: a line of JSON asks for a table, another answers. Runs in the peer's environment."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Found = dict[str, tuple[bool, int | None]]  # of each rule: whether it passes, and how many violate it


def configuration() -> dict[str, Any]:
    return json.loads(sys.argv[1])


def serve(check: Callable[[str], Found]) -> None:
    """Until the other side closes; what the peer itself prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            answer = {"rules": check(json.loads(line)["table"])}
        except Exception as error:  # the benchmark ends with it, whatever it is
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
