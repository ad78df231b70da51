"""A sending process: reads orders from its input, one line each, and answers each with a line.

It ends with its input, and when it has had nothing to do for a while. Whoever asks ends it when an order takes too long; if that
process was killed meanwhile, this one ends itself a little later.
"""

import os
import resource
import select
import signal
import sys
from typing import BinaryIO, assert_never

from pydantic import ValidationError

from backend.notifications.senders.orders import Order, Outcome

IDLE_S = 60.0
PATIENCE = 1.2  # times as long as whoever asks waits
MOST_BYTES = 1 << 30  # of memory: an answer without end ends the process, not the machine


def main() -> None:
    """Standard output is for answers alone: what a library prints goes nowhere."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES if hard == resource.RLIM_INFINITY else min(MOST_BYTES, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its memory holds addresses
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends it, whatever it waits for
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    serve(sys.stdin.buffer.fileno(), answers)


def serve(orders: int, answers: BinaryIO) -> None:
    """Read orders until the input ends, or nothing comes for IDLE_S."""
    left = b""
    while True:
        while b"\n" not in left:
            if not select.select([orders], [], [], IDLE_S)[0]:
                return
            piece = os.read(orders, 1 << 16)
            if not piece:
                return
            left += piece
        line, left = left.split(b"\n", 1)
        answers.write(_outcome(line).model_dump_json().encode() + b"\n")


def _outcome(line: bytes) -> Outcome:
    try:
        order = Order.model_validate_json(line)
        signal.setitimer(signal.ITIMER_REAL, order.longest_s * PATIENCE)
        return _send(order)
    except ValidationError:
        return Outcome(is_sent=False, reason="the message cannot be read; another release has written it")
    except Exception as error:  # its text may quote the address
        return Outcome(is_sent=False, reason=f"the message cannot be sent: {type(error).__name__}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _send(order: Order) -> Outcome:
    match order.type:
        case "apprise":
            from backend.notifications.senders import apprise  # here, because it takes 0.3 s and 40 MB

            apprise.prepare()
            return apprise.send(order)
        case "webhook":
            from backend.notifications.senders import webhook

            return webhook.send(order)
        case _:
            assert_never(order.type)


if __name__ == "__main__":
    main()
