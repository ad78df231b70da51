"""Asking for a check, as every way in does: the request is tracked, and DataOps has it or is sure to get it."""

from dataclasses import dataclass

from backend.requests import tracking, trials
from backend.requests.dispatch import Dispatcher
from backend.requests.tracking import Tracked
from backend.requests.trials import Trial
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.verdicts import Source


@dataclass(frozen=True)
class Asking:
    """What it takes to ask."""

    database: Database
    catalogue: Catalogue
    dispatcher: Dispatcher

    def ask(self, asked: CheckRequest, source: Source, requested_by: str) -> tuple[Tracked, bool]:
        """The tracked request, and False if DataOps refused it. `requested_by` is the name of the key. NotFound, Invalid,
        Conflict or Busy if it cannot be tracked; Unavailable as in `retry_while_forgotten`.

        The client gets an answer only when DataOps has the request or it is sure to be sent. So a repeated request is sent here
        too: the first attempt may still end in a refusal."""

        def attempt() -> tuple[Tracked, bool] | None:
            accepted = tracking.accept(self.database, self.catalogue, asked, source, self.dispatcher.name, requested_by)
            if accepted.is_promised:
                return accepted, True
            first = self.dispatcher.send_first(accepted.view.request_id, accepted.body, accepted.view.requested_by)
            return (accepted, first == "promised") if first != "gone" else None

        return tracking.retry_while_forgotten(attempt)

    def try_document(self, trial: Trial, source: Source, requested_by: str) -> tuple[Tracked, bool]:
        """The same for a check of a document that is not stored; only for callers with the scope `configure`. Invalid with every
        fault of the document, TooLarge if it is too long for a trial."""
        return self.ask(trials.read(self.database, self.catalogue, trial), source, requested_by)
