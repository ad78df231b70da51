"""A span for each request of an operation that is `traced`, below the one that its headers name."""

from contextlib import AbstractContextManager

from flask import Flask, Response, g, request

from stringx_dataops.contract.trace_context import TRACEPARENT, TRACESTATE, read
from web import openapi, tracing
from web.tracing import Span


def install(app: Flask) -> None:
    """Begin the span after the key was checked, so that strangers make none. What comes with other requests is not passed on."""

    @app.before_request
    def begin() -> None:
        if request.url_rule is None or not openapi.current_operation(app).traced:
            return
        route = request.url_rule.rule
        parent = read(request.headers.get(TRACEPARENT), request.headers.get(TRACESTATE))
        g.opened = opened = tracing.span(f"{request.method} {route}", "server", parent)
        g.span = opened.__enter__()
        g.span.set({"http.request.method": request.method, "http.route": route})

    @app.after_request
    def answered(response: Response) -> Response:
        if "span" in g:
            made: Span = g.span
            made.set({"http.response.status_code": response.status_code})
            if response.status_code >= 500:
                made.fail(f"status {response.status_code}")
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        if "opened" in g:
            opened: AbstractContextManager[Span] = g.pop("opened")
            opened.__exit__(None, None, None)
