"""Stores how attempts ended: those of a batch at once, each again and again until the internal database answers."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from api.checks import claims
from api.checks.lifecycle import Check
from api.checks.result_parts import CANCELED, undecided
from api.checks.waiving import Decided
from api.delivery.handover import Handover
from api.worker.attempt import Attempt
from api.worker.execution import AttemptEnd, HandBack
from api.worker.together import End
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import DatabaseFault, Invalid, StringXError
from web import tracing

_AGAIN_S = 0.5  # the pause before an end is stored again
_REFUSED_S = 60.0  # how long a result is stored again that the internal database refuses

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endings:
    """Stores ends in the name of a worker. `until`: the moment, on the monotonic clock, after which an end that cannot be stored
    is left to whoever rescues the check; it changes when the worker is asked to stop."""

    database: Database
    backend_url: str
    handover: Handover
    worker: str
    until: Callable[[], float]

    def store_together(self, ends: Sequence[End]) -> list[End]:
        """Store the results of a batch at once; the ends that are left to be stored one by one."""
        results = [
            (attempt.check, end)
            for attempt, end in ends
            if isinstance(end, CheckResult | Decided) and attempt.stopped not in ("lost", "canceled")
        ]
        try:
            with tracing.spans("finish", "internal", [(check.trace, {"checks": len(results)}) for check, _ in results]):
                stored = claims.finish_several(self.database, results, self.backend_url, self.handover) if results else set()
        except StringXError as error:
            log.warning("the results of a batch are stored one by one: %s", error, exc_info=error.__cause__)
            return list(ends)
        for check, end in results:
            self._log_stored(check, end, check.check_id in stored)
        done = {check.check_id for check, _ in results}
        return [(attempt, end) for attempt, end in ends if attempt.check.check_id not in done]

    def store(self, attempt: Attempt, end: AttemptEnd) -> None:
        """Store the end of an attempt, again and again until the internal database answers; a worker that stops does not wait for
        long. If the database refuses the result, the check is handed back as crashed."""
        refused_until = time.monotonic() + _REFUSED_S
        while end is not None and attempt.stopped != "lost" and not attempt.is_stored:
            try:
                with tracing.span("finish", parent=attempt.check.trace):
                    self.write(attempt.check, end)
                return
            except StringXError as error:
                log.warning("the result is not stored yet: %s", error, extra=attempt.ids, exc_info=error.__cause__)
                is_late = isinstance(error, DatabaseFault) and time.monotonic() > refused_until
                if isinstance(error, Invalid) or is_late:
                    end = HandBack("its result could not be stored; the worker's log says why", crashed=True)
                if time.monotonic() > self.until():
                    return
                time.sleep(_AGAIN_S)

    def store_canceled(self, attempt: Attempt) -> None:
        """End a check of a batch at once; the others go on. The last one waits for its session's end, as it would alone."""
        check = attempt.check
        try:
            with self.database.statements() as cursor:
                now = cursor.now()
            canceled = check.result_with(undecided("canceled", CANCELED, now))
            attempt.is_stored = claims.finish(self.database, check, canceled, self.backend_url, self.handover)
        except StringXError as error:  # it ends with its batch
            log.warning("a canceled check of a batch is not ended yet: %s", error, extra=attempt.ids)

    def write(self, check: Check, end: CheckResult | Decided | HandBack) -> None:
        """Store an end once. Raises Unavailable if the internal database is away, Invalid or DatabaseFault if it refuses it."""
        if isinstance(end, HandBack):
            stored = claims.hand_back(self.database, check, **asdict(end))
        else:
            stored = claims.finish(self.database, check, end, self.backend_url, self.handover)
        self._log_stored(check, end, stored)

    def _log_stored(self, check: Check, end: CheckResult | Decided | HandBack, stored: bool) -> None:
        ids = {"check_id": check.check_id, "request_id": check.request_id, "worker": self.worker}
        result = end.result if isinstance(end, Decided) else end
        words = "handed back" if isinstance(result, HandBack) else f"ended: {result.status} {result.verdict}"
        if stored:
            log.info("check of %s %s", check.request.subject, words, extra=ids)
        else:
            log.warning("the claim was lost; the result is discarded", extra=ids)
