"""Every error is answered as application/problem+json (RFC 9457), and without internal details."""

import json
import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from stringx_dataops.contract.problems import MethodNotAllowed, NotFound, StringXError, TooLarge

log = logging.getLogger(__name__)


def render(error: StringXError) -> Response:
    """The response for one of this project's errors, with its status and headers such as Retry-After."""
    body = json.dumps(error.as_problem(), ensure_ascii=False)
    return Response(body, error.status, error.headers(), content_type="application/problem+json")


def install(app: Flask) -> None:
    """Add handlers for StringXError, for werkzeug's HTTP errors, and for every other exception (500, logged)."""

    @app.errorhandler(StringXError)
    def stringx_error(error: StringXError) -> Response:
        if error.status == StringXError.status:
            log.error("%s", error, exc_info=error)
        return render(error)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        match error.code:
            case 404:
                return render(NotFound("there is no such path; GET /openapi.json lists them"))
            case 405:
                response = render(MethodNotAllowed("this path does not take this method; GET /openapi.json lists them"))
                response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
                return response
            case 413:
                return render(TooLarge("the body is too large; send less"))
            case _:
                detail = error.description or error.name
                problem = {"type": "about:blank", "title": error.name, "status": error.code, "detail": detail}
                return Response(json.dumps(problem), error.code, content_type="application/problem+json")

    @app.errorhandler(Exception)
    def unexpected_error(error: Exception) -> Response:
        log.exception("unexpected error")
        return render(StringXError("something went wrong inside the service; its log says what"))
