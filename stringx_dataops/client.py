"""A client of the Backend, for Python and for the `dataops` command: gates, checks, requests, lists."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import TracebackType

from stringx_dataops import __version__
from stringx_dataops.answers import Check, Gate, Request, State
from stringx_dataops.arguments import checked
from stringx_dataops.connection import USER_AGENT, Connection, address_of, key_of, key_source, path_of, require
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.errors import Away, CheckFailed, DataOpsError, GateClosed, Misconfigured, Refused, Undecided
from stringx_dataops.following import LONGEST_POLL_S, OF_A_REQUEST, POLL_S, Following, persist
from stringx_dataops.points import Point, Pointing
from stringx_dataops.profiles import OF_A_PROFILE, TableProfile
from stringx_dataops.reading import as_text
from stringx_dataops.watching import Incident, Schedule, Watching

__all__ = [
    "Away", "Check", "CheckFailed", "Client", "Connection", "DataOpsError", "Gate", "GateClosed", "Incident", "Misconfigured",
    "Point", "Refused", "Request", "Schedule", "State", "TableProfile",
    "Undecided", "key_source", "path_of", "persist", "require",
]  # fmt: skip

PATIENCE_S = 600  # what `wait=True` means
_OF_A_GATE = ("gate", "verdict", "snapshot_at", "age_s", "reasons")


class Client(Following, Watching, Pointing):
    """A Backend and a key. What is not given comes from the environment, as for the `dataops` command: the address from
    STRINGX_BACKEND_URL (else http://127.0.0.1:5002), the key from STRINGX_API_KEY or STRINGX_API_KEY_FILE.

    `timeout` is how many seconds an answer may take. Threads may share a client. Raises Misconfigured if there is no key. Methods
    raise Refused if what is asked for is wrong, Undecided if there is no answer, and Away, which is Undecided, too, if asking
    again later may help. `wait` is a number of seconds, or True for ten minutes. An argument that cannot be right is a
    ValueError.
    """

    @checked
    def __init__(
        self, url: str | None = None, key: str | None = None, timeout: float = 30, *, user_agent: str = USER_AGENT
    ) -> None:
        server = address_of(url)
        found, source = key_of(key)
        super().__init__(server, found, source, user_agent=user_agent, timeout_s=timeout)
        self.require_valid_key()

    @classmethod
    def from_environment(cls, server: str | None) -> "Client":
        """The client of the `dataops` command, which the Backend lists as the source `cli`."""
        return cls(server, user_agent=f"stringx-cli/{__version__}")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Every request closes its own connection, so there is nothing left to close."""

    @checked
    def gate(
        self,
        target: str,
        table: str | None = None,
        *,
        dataset: str | None = None,
        not_before: str | datetime | None = None,
        request_id: str | None = None,
        wait: bool | float = False,
        on_wait: Callable[[Gate], None] | None = None,
        signed: bool = False,
    ) -> Gate:
        """The gate of a table (schema.table) or dataset. `not_before`: closed unless the snapshot is at least as new, on the
        target's clock. `request_id`: the gate for the load that this request announced. `signed`: with a token that others can
        verify offline.

        With `wait`, asks until a check has decided it; Undecided if that takes longer. `on_wait` gets each answer before.
        """
        subject = _subject(table, dataset)
        path = path_of("gates", "datasets", dataset) if dataset is not None else path_of("gates", target, str(table))
        query = {
            name: value for name, value in (("not_before", as_text(not_before)), ("request_id", request_id)) if value is not None
        }
        query |= {"signed": "true"} if signed else {}
        seconds = _seconds(wait)
        until = time.monotonic() + seconds

        def ask() -> Gate:
            found = self._as(Gate.of, self.get(path, query), *_OF_A_GATE, *subject)
            if found.target not in ("", target):
                raise Refused([f"{found.name} is of target {found.target}, not of {target}"])
            return found

        found = ask()
        while found.pending and time.monotonic() < until:
            if on_wait:
                on_wait(found)
            time.sleep(POLL_S)
            found = persist(ask, until)
        if found.pending and seconds:
            raise Undecided(f"not decided within {seconds:g} s; the gate stays closed", found)
        return found

    @checked
    def require_open(
        self,
        target: str,
        table: str | None = None,
        *,
        dataset: str | None = None,
        not_before: str | datetime | None = None,
        request_id: str | None = None,
        wait: bool | float = False,
        on_wait: Callable[[Gate], None] | None = None,
    ) -> Gate:
        """The gate as `gate` answers it, if it is open. Raises GateClosed if it is not."""
        found = self.gate(
            target, table, dataset=dataset, not_before=not_before, request_id=request_id, wait=wait, on_wait=on_wait
        )
        if not found.is_open:
            raise GateClosed("\n".join([f"{found.name}: gate closed", *found.reasons]), found)
        return found

    @checked
    def check(
        self,
        target: str,
        table: str | None = None,
        *,
        dataset: str | None = None,
        wait: bool | float = True,
        window: Mapping[str, str | int | float | date | datetime] | None = None,
        rule_ids: Sequence[str] = (),
        kinds: Sequence[str] = (),
        dimensions: Sequence[str] = (),
        request_id: str | None = None,
        timeout_s: int | None = None,
        on_wait: Callable[[Request], None] | None = None,
        poll_s: float = LONGEST_POLL_S,
    ) -> Request:
        """Ask for a check, and follow it to its end; Undecided if that takes longer than `wait`, and the check goes on then.
        With `wait=False` returns at once.

        `window` has `from` (inclusive), `to` (exclusive) and `column` (default: the document's). Asking again with the same
        `request_id` is the same request. `timeout_s` is the check's budget. `on_wait` gets each answer before the last,
        at least every `poll_s` seconds.
        """
        subject, seconds = _subject(table, dataset), _seconds(wait)
        until = time.monotonic() + seconds
        mode = "sync" if seconds else "async"  # wait_s is 0, so that the id is known before the waiting
        body: JsonObject = {"request_id": request_id or new_id(), "target": target, **subject, "mode": mode, "wait_s": 0}
        narrowed = {"kinds": kinds, "dimensions": dimensions, "rule_ids": rule_ids}
        body |= {name: list(values) for name, values in narrowed.items() if values}
        if timeout_s is not None:
            body["timeout_s"] = timeout_s
        if window:
            body["window"] = {name: as_text(value) for name, value in window.items()}
        found = self._as(Request.of, self.post_json(path_of("requests"), body), *OF_A_REQUEST, *subject)
        while not found.has_ended and time.monotonic() < until:
            if on_wait:
                on_wait(found)
            found = self.follow(found.request_id, until, poll_s)
        if not found.has_ended and seconds:
            raise Undecided(f"not finished within {seconds:g} s; it goes on as request {found.request_id}", found)
        return found

    @checked
    def request(self, request_id: str, *, wait: bool | float = False) -> Request:
        """A request as it stands, or after its end if that comes within `wait`."""
        until = time.monotonic() + _seconds(wait)
        found = self._as(Request.of, self.get(path_of("requests", request_id)), *OF_A_REQUEST)
        while not found.has_ended and time.monotonic() < until:
            found = self.follow(request_id, until)
        return found

    @checked
    def cancel(self, request_id: str, *, wait: float = 30) -> Request:
        """Cancel a request, and wait for its end; one that has ended stays as it is."""
        path, until = f"{path_of('requests', request_id)}/cancel", time.monotonic() + wait
        found = self._as(Request.of, self.post(path, {"wait": 0}), *OF_A_REQUEST)
        while not found.has_ended and time.monotonic() < until:
            found = self.follow(request_id, until)
        return found

    @checked
    def profile(
        self,
        target: str,
        table: str,
        *,
        columns: Sequence[str] = (),
        sample_rows: int | None = None,
        sample_columns: Sequence[str] = (),
        wait: bool | float = True,
        timeout_s: int | None = None,
        on_wait: Callable[[Request], None] | None = None,
        poll_s: float = LONGEST_POLL_S,
    ) -> TableProfile:
        """Measure the columns of a table, which need not be configured, and follow that to its end; `wait`, `timeout_s` and
        `on_wait` are those of `check`. `columns`: only these. `sample_rows`: about so many rows. `sample_columns`: columns whose
        values may be shown, beside the document's; the key needs the scope `configure` for that.
        """
        seconds = _seconds(wait)
        until = time.monotonic() + seconds
        body: JsonObject = {"request_id": new_id(), "target": target, "table": table, "wait_s": 0}
        body |= {} if seconds else {"mode": "async"}
        body |= {name: list(given) for name, given in (("columns", columns), ("sample_columns", sample_columns)) if given}
        numbers = (("sample_rows", sample_rows), ("timeout_s", timeout_s))
        body |= {name: number for name, number in numbers if number is not None}
        found = self._as(TableProfile.of, self.post_json(path_of("profiles"), body), *OF_A_PROFILE)
        while not found.has_ended and time.monotonic() < until:
            request = self.follow(found.request_id, until, poll_s)
            if request.has_ended or time.monotonic() >= until:
                found = self.profile_of(found.profile_id)
            elif on_wait:
                on_wait(request)
        if not found.has_ended and seconds:
            raise Undecided(f"not finished within {seconds:g} s; it goes on as profile {found.profile_id}", found)
        return found

    @checked
    def profile_of(self, profile_id: str) -> TableProfile:
        """A profile as it stands."""
        return self._as(TableProfile.of, self.get(path_of("profiles", profile_id)), *OF_A_PROFILE)

    @checked
    def tables(self, **filters: str) -> Iterator[State]:
        """All configured tables as they stand, closed gates first. `filters`: target, q, owner, tag, gate, verdict."""
        return (self._as(State.of, item) for item in self.items(path_of("tables"), filters))

    @checked
    def datasets(self, **filters: str) -> Iterator[State]:
        """All configured datasets; filters as for tables."""
        return (self._as(State.of, item) for item in self.items(path_of("datasets"), filters))

    @checked
    def requests(self, **filters: str) -> Iterator[Request]:
        """Requests, newest first, with the counts of their results alone. `filters` are those of the API, such as target, table,
        verdict, status, and `include="rules"` for whole results."""
        return (self._as(Request.of, item) for item in self.items(path_of("requests"), filters))

    @checked
    def results(
        self,
        target: str,
        table: str | None = None,
        *,
        dataset: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> Iterator[Check]:
        """The checks of a table or dataset, newest first: not before `since`, and before `until`."""
        _subject(table, dataset)
        path = path_of("datasets", dataset) if dataset is not None else path_of("tables", target, str(table))
        span = {name: as_text(value) for name, value in (("from", since), ("to", until)) if value is not None}
        return (self._as(Check.of, item) for item in self.items(f"{path}/history", span))


def _subject(table: str | None, dataset: str | None) -> dict[str, str]:
    """The field `table` or `dataset` of requests and answers."""
    if (table is None) == (dataset is None):
        raise ValueError("give either a table or a dataset")
    return {"table": table} if table is not None else {"dataset": str(dataset)}


def _seconds(wait: bool | float) -> float:
    return float(PATIENCE_S if wait else 0) if isinstance(wait, bool) else float(wait)
