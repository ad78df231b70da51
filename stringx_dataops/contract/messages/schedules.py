"""How schedules stand, and their runs."""

from typing import Literal

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.documents.schedules import ScheduleDocument

MOST_DAYS = 366  # that a pause may last
MOST_REFUSED = 20  # that a run names
RunKind = Literal["cron", "missed", "manual"]


class PauseOrder(Model):
    """The body of a pause. Without `until` it lasts until somebody ends it."""

    until: AwareDatetime | None = None


class RunCounts(Model):
    """How the checks of a run stand: waiting for their turn, running (or queued at DataOps), refused; and the verdicts of those
    that have ended."""

    checks: int
    waiting: int
    running: int
    refused: int
    passed: int
    warned: int
    failed: int
    errored: int


class RefusedCheck(Model):
    """A table or dataset of a run that could not be checked, or was not any more."""

    name: str
    reason: str


class RunWindow(Model):
    """The window of all checks of a run. Without a column, each table's `window_column` counts."""

    column: str | None
    since: str
    until: str


class ScheduleRun(Model):
    """A run of a schedule. missed: it was due while no Backend ran, or together with later ones; manual: `asked_by` had it run. A
    run that was skipped has no checks. `refused`: the first twenty."""

    id: str
    schedule: str
    due_at: AwareDatetime
    kind: RunKind
    asked_by: str | None
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    skipped_because: str | None
    window: RunWindow | None
    counts: RunCounts
    refused: list[RefusedCheck]


class RunPage(Model):
    """Runs, the latest first."""

    items: list[ScheduleRun]
    next_cursor: str | None


class ScheduleState(Model):
    """How a schedule stands. `next_times`: the next five runs; none if it is not active, or paused without an end. A pause is no
    change of the document. `last_run`: the latest that was not skipped."""

    next_times: list[AwareDatetime]
    paused_at: AwareDatetime | None
    paused_by: str | None
    paused_until: AwareDatetime | None
    last_run: ScheduleRun | None


class ListedSchedule(ScheduleDocument, ScheduleState):
    """A schedule in a list: its document, and how it stands."""


class SchedulePage(Model):
    """Schedules by name."""

    items: list[ListedSchedule]
    next_cursor: str | None
