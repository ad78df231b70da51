"""Requests: ask, follow, and take in the results that DataOps posts."""

from dataclasses import dataclass
from typing import get_args
from urllib.parse import quote

from flask import Blueprint, Response, request

from backend.insights import requests
from backend.requests import batches, tracking, trials
from backend.requests.asking import Asking
from backend.requests.filters import FILTERS
from backend.requests.tracking import Tracked
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract import signatures
from stringx_dataops.contract.documents.fields import RULE_OF_TABLE, parse_model
from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES, read_json
from stringx_dataops.contract.documents.tables import MOST_RULES, TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.batches import BatchAnswer, ResultBatch
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.requests import RequestPage, RequestView
from stringx_dataops.contract.messages.verdicts import Mode, Source
from stringx_dataops.contract.problems import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from web import bodies, parameters, waiting
from web.bodies import MAX_RAW_NODES, answer, document_stream, json_body, raw_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import WAIT, Parameter, header_key, idempotency_key
from web.service import log_ids
from web.waiting import Work

_TRIED_RULES = parameters.names("rule_ids", "only these rules, with commas between their ids", RULE_OF_TABLE.check, MOST_RULES)
_MODE: Parameter[Mode] = parameters.word("mode", "sync: before checks that nobody waits for", get_args(Mode), "sync")
_TRIAL_WAIT = parameters.wait(60)
_TRIED = {
    "apiVersion": "stringx/v1",
    "target": "nyc",
    "table": "public.airlines",
    "rules": [{"id": "name_not_blank", "type": "not_blank", "column": "name"}],
}
_INCLUDE = parameters.word("include", "rules: with the whole results, as many as 8 MiB hold", ("rules",), None)
_PAGING = parameters.paging(requests.PAGES)


@dataclass(frozen=True)
class Requests:
    """What the routes need."""

    asking: Asking
    listener: Listener
    signing_secrets: list[str]

    @property
    def database(self) -> Database:
        """The internal one."""
        return self.asking.database


def blueprint(service: Requests) -> Blueprint:
    routes = Blueprint("requests", __name__)

    @routes.post("/api/v1/requests")
    @describe(
        Operation(
            "Ask for a check of a table or a dataset: sync answers with the result, async with 202",
            scope="trigger",
            targets="body",
            body=CheckRequest,
            example={"target": "nyc", "table": "public.flights", "mode": "sync"},
            answers={200: RequestView, 202: RequestView},
            traced=True,
            errors=(Malformed, NotFound, Conflict, TooLarge, UnsupportedMediaType, Invalid, Busy, Unavailable),
        )
    )
    def create() -> Response:
        asked = idempotency_key(parse_model(CheckRequest, json_body()))
        return _asked(service, *service.asking.ask(asked, source(), caller().name), wait_s=asked.wait_s)

    @routes.post("/api/v1/trials")
    @describe(
        Operation(
            "Check a table by a document that is not stored, alone or in a stream with defaults and rule sets of its target that"
            " are not stored, either: it decides no gate, and is kept for a day",
            scope="configure",
            targets="body",
            body=TableDocument,
            body_types=("application/json", "application/yaml"),
            query=(_TRIED_RULES, _MODE, _TRIAL_WAIT),
            example=_TRIED,
            answers={200: RequestView, 202: RequestView},
            traced=True,
            errors=(Malformed, Conflict, TooLarge, UnsupportedMediaType, Invalid, Busy, Unavailable),
        )
    )
    def create_trial() -> Response:
        documents = document_stream(MAX_BODY_BYTES)
        trial = trials.in_stream(documents, _TRIED_RULES.value(), _MODE.value(), header_key())
        tried = service.asking.try_document(trial, source(), caller().name)
        return _asked(service, *tried, wait_s=_TRIAL_WAIT.value())

    @routes.get("/api/v1/requests")
    @describe(
        Operation(
            "Requests, newest first: of their results the counts, or with include=rules all",
            scope="read",
            targets="list",
            query=(*FILTERS, _INCLUDE, *_PAGING.parameters),
            answers={200: RequestPage},
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        filters = {each.name: each.value() for each in FILTERS}
        wanted = requests.Shown(rules=_INCLUDE.value() is not None, samples=_sees_samples())
        return answer(requests.page(service.database, filters, _PAGING.page(), wanted))

    @routes.get("/api/v1/requests/<path:request_id>")
    @describe(
        Operation(
            "A request with its result, or its state so far",
            scope="read",
            targets="request",
            query=(WAIT,),
            answers={200: RequestView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(request_id: str) -> Response:
        view = _wait(service, requests.find(service.database, request_id), WAIT.value())
        return answer(_shown(requests.with_progress(service.database, view)))

    @routes.post("/api/v1/requests/<path:request_id>/cancel")
    @describe(
        Operation(
            "Cancel: a waiting check ends at once, a running one when it has been stopped; one that has ended stays as it is",
            scope="trigger",
            targets="request",
            query=(WAIT,),
            answers={200: RequestView, 202: RequestView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def cancel(request_id: str) -> Response:
        view = _wait(service, tracking.cancel(service.database, request_id, caller().name), WAIT.value())
        view = requests.with_progress(service.database, view)
        return answer(_shown(view), 200 if view.ended else 202)

    @routes.post("/api/v1/requests/<path:request_id>/results")
    @describe(
        Operation(
            "DataOps posts a result: signed, acknowledged by 204, stored once by check id",
            scope="results",
            targets="unlimited",
            body=CheckResult,
            answers={204: None},
            traced=True,
            errors=(Malformed, Unauthenticated, Forbidden, TooLarge, Invalid, Unavailable),
        )
    )
    def take_result(request_id: str) -> Response:
        body = raw_body()
        signatures.verify(service.signing_secrets, dict(request.headers), body)
        result = parse_model(CheckResult, read_json(body, MAX_RAW_NODES), extra="ignore")
        tracking.store(service.database, request_id, result)
        service.listener.wake(tracking.payload(request_id))  # before the notification has come back to this process
        return Response(status=204, headers=batches.TAKES)

    @routes.post("/api/v1/results")
    @describe(
        Operation(
            "DataOps posts several results, signed together: each is stored once by check id, and answered by itself",
            scope="results",
            targets="unlimited",
            body=ResultBatch,
            answers={200: BatchAnswer},
            errors=(Malformed, Unauthenticated, Forbidden, TooLarge, Invalid, Unavailable),
        )
    )
    def take_results() -> Response:
        body = raw_body()
        signatures.verify(service.signing_secrets, dict(request.headers), body)
        posted = batches.read(read_json(body, MAX_RAW_NODES))
        answers = BatchAnswer(answers=batches.take(service.database, posted))
        return answer(answers.model_dump(mode="json", exclude_none=True), headers=batches.TAKES)

    return routes


def _sees_samples() -> bool:
    return "samples" in caller().scopes


def _shown(view: RequestView) -> JsonObject:
    """The request as its caller may see it."""
    return view.as_json(with_samples=_sees_samples())


def _asked(service: Requests, accepted: Tracked, goes_on: bool, wait_s: float) -> Response:
    """The answer to a request for a check, after its end if that comes in time."""
    log_ids(request_id=accepted.view.request_id)
    view = accepted.view if goes_on else requests.find(service.database, accepted.view.request_id)
    is_sync = view.mode == "sync"
    view = requests.with_progress(service.database, _wait(service, view, wait_s if is_sync else 0))
    location = f"/api/v1/requests/{quote(view.request_id, safe='')}"
    return bodies.accepted(_shown(view), location, has_ended=is_sync and view.ended, replayed=accepted.replayed)


def _wait(service: Requests, view: RequestView, seconds: float) -> RequestView:
    payload, request_id = tracking.payload(view.request_id), view.request_id
    work = Work(payload, lambda: requests.find(service.database, request_id), lambda latest: latest.ended)
    return waiting.until_ended(service.listener, work, view, seconds)


def source() -> Source:
    """The command line says that it is one; everything else that speaks HTTP is http."""
    return "cli" if request.headers.get("User-Agent", "").startswith("stringx-cli/") else "http"
