"""The OpenAPI document, made from the routes and from the pydantic models of their bodies and answers; and Swagger UI."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, TypeVar

from flask import Flask, Response, abort, render_template_string, request, send_from_directory
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from stringx_dataops.contract.json_types import JsonObject, JsonSchema
from stringx_dataops.contract.keys import KeyScope
from stringx_dataops.contract.problems import (
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    StringXError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from web.bodies import answer
from web.parameters import Parameter

View = TypeVar("View", bound=Callable[..., Any])
_REF = "#/components/schemas/{model}"
# How an endpoint names the target that it is about, so that a key that is limited to targets gets no other: the parameter
# `target` of its path, or `name`; its body; a dataset, rule set, schedule, request, check, delivery, waiver, badge, incident
# or profile of the target; a list of several. `unlimited`: it is about no target, and takes keys without limits only. `none`:
# it shows nothing of any target.
TargetsBy = Literal[
    "path", "name", "body", "dataset", "ruleset", "schedule", "request", "check", "delivery", "waiver", "badge",
    "incident", "profile",
    "list", "unlimited", "none",
]  # fmt: skip
_PATH_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_DEMO = {"target": "nyc", "table": "public.flights"}  # examples for path parameters of these names
_PROBLEM: JsonSchema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


class _Media(TypedDict):
    schema: JsonSchema
    example: NotRequired[Any]


class _Response(TypedDict):
    description: str
    content: NotRequired[dict[str, _Media]]


class _Body(TypedDict):
    required: bool
    content: dict[str, _Media]


_Parameter = TypedDict(
    "_Parameter",
    {
        "name": str,
        "in": Literal["path", "query"],
        "required": NotRequired[bool],
        "description": NotRequired[str],
        "schema": JsonSchema,
        "example": NotRequired[str],
    },
)


# An operation as it stands in the OpenAPI document.
_OperationItem = TypedDict(
    "_OperationItem",
    {
        "operationId": str,
        "summary": str,
        "description": NotRequired[str],
        "parameters": list[_Parameter],
        "responses": dict[str, _Response],
        "security": NotRequired[list[dict[str, list[str]]]],
        "requestBody": NotRequired[_Body],
        "x-scope": NotRequired[str],
        "x-targets": NotRequired[TargetsBy | None],
    },
)


@dataclass(frozen=True)
class Operation:
    """Describes one route. The OpenAPI document shows it, and every request is checked against it.

    `query` holds every parameter that the route takes. A route without `body` reads none. Swagger UI fills in `path` and
    `example`, which belong to the demo. A route with a `scope` says in `targets` how it names its target; limited keys are
    refused where it does not. `traced`: it is a step on a check's way, and gets a span (`web/tracing.py`).
    """

    summary: str
    scope: KeyScope | None = None
    targets: TargetsBy | None = None
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = ("application/json",)
    query: tuple[Parameter[Any], ...] = ()
    answers: dict[int, type[BaseModel] | None] = field(default_factory=lambda: {200: None})
    errors: tuple[type[StringXError], ...] = ()
    path: Mapping[str, str] = field(default_factory=dict)
    example: Any = None
    traced: bool = False

    @property
    def refusals(self) -> list[type[StringXError]]:
        """Errors of this route, and those that any request with a key can get; each once."""
        errors = dict.fromkeys(self.errors)
        if self.scope is not None:
            errors |= dict.fromkeys((Malformed, Unauthenticated, Forbidden, TooLarge, Invalid, Unavailable))
            if self.body is not None:
                errors[UnsupportedMediaType] = None
        return list(errors)

    @cached_property
    def models(self) -> list[type[BaseModel]]:
        """The models of its body and its answers."""
        return [model for model in (self.body, *self.answers.values()) if model is not None]


_UNDESCRIBED = Operation("")


def describe(operation: Operation) -> Callable[[View], View]:
    """Attach an operation to a view. The document leaves out views without one."""

    def attach(view: View) -> View:
        view.__dict__["operation"] = operation
        return view

    return attach


def current_operation(app: Flask) -> Operation:
    """The operation of the view that handles the current request. A view without one takes no parameter and no body."""
    found: Operation = getattr(app.view_functions[request.endpoint or ""], "operation", _UNDESCRIBED)
    return found


def install(app: Flask, title: str, description: str, version: str) -> None:
    """Add `/openapi.json` and `/docs`, both without a key. The document is built at the first request."""
    document: JsonObject = {}

    @app.get("/openapi.json")
    def openapi_json() -> Response:
        if not document:
            document.update(build(app, title, description, version))
        return answer(document)

    assets = _swagger_files()

    @app.get("/docs")
    def swagger_ui() -> Response:
        page = Response(render_template_string(_PAGE, title=title), content_type="text/html; charset=utf-8")
        page.headers.update(_HEADERS)
        return page

    @app.get("/docs/<path:name>")
    def swagger_file(name: str) -> Response:
        if name == "js/start.js":
            file = Response(_START, content_type="text/javascript; charset=utf-8")
        elif name in _ASSETS:
            file = send_from_directory(assets, name, max_age=86400)
        else:
            abort(404)
        file.headers.update(_HEADERS)
        return file


def build(app: Flask, title: str, description: str, version: str) -> JsonObject:
    """The OpenAPI 3.1 document of all routes that have an `Operation`."""
    paths: dict[str, dict[str, _OperationItem]] = {}
    models: set[type[BaseModel]] = set()
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is None:
            continue
        models.update(operation.models)
        path = _PATH_PARAMETER.sub(r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            item = _operation(operation, f"{method.lower()} {path}", _PATH_PARAMETER.findall(rule.rule))
            paths.setdefault(path, {})[method.lower()] = item
    _, schemas = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas.get("$defs", {})},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, name: str, path_parameters: list[str]) -> _OperationItem:
    item: _OperationItem = {
        "operationId": re.sub(r"\W+", "_", name).strip("_"),
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation, path_parameters), *_query_parameters(operation)],
        "responses": _responses(operation, [NotFound] if path_parameters else []),
    }
    if operation.scope:
        item["security"] = [{"key": []}]
        limited = " A key that is limited to targets is refused." if operation.targets in ("unlimited", None) else ""
        item["description"] = f"Needs a key with the scope `{operation.scope}`.{limited}"
        item["x-scope"], item["x-targets"] = operation.scope, operation.targets
    if operation.body:
        media: _Media = {"schema": _ref(operation.body.__name__)}
        if operation.example is not None:
            media["example"] = operation.example
        item["requestBody"] = {"required": True, "content": dict.fromkeys(operation.body_types, media)}
    return item


def _path_parameters(operation: Operation, names: list[str]) -> Iterator[_Parameter]:
    examples = {**_DEMO, **operation.path}
    for name in names:
        parameter: _Parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        if name in examples:
            parameter["example"] = examples[name]
        yield parameter


def _query_parameters(operation: Operation) -> Iterator[_Parameter]:
    for each in operation.query:
        yield {"name": each.name, "in": "query", "description": each.description, "schema": dict(each.schema)}


def _responses(operation: Operation, more_errors: list[type[StringXError]]) -> dict[str, _Response]:
    responses: dict[str, _Response] = {}
    for status, model in operation.answers.items():
        response: _Response = {"description": _STATUS.get(status, "answer")}
        if model is not None:
            response["content"] = {"application/json": {"schema": _ref(model.__name__)}}
        responses[str(status)] = response
    for error in sorted({*operation.refusals, *more_errors}, key=lambda error: error.status):
        media: _Media = {"schema": _ref("Problem")}
        responses[str(error.status)] = {"description": error.title, "content": {"application/problem+json": media}}
    return responses


def _ref(model: str) -> JsonSchema:
    return {"$ref": _REF.format(model=model)}


def _swagger_files() -> Path:
    """The folder with Swagger UI's files. The package is located but not imported."""
    spec = find_spec("flask_openapi3_swagger")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("flask-openapi3-swagger is not installed; install requirements.txt")
    return Path(spec.submodule_search_locations[0]) / "templates" / "swagger"


_STATUS = {
    200: "done",
    202: "accepted, not finished yet; Location tells where to look, and Retry-After when, if many wait",
    204: "done, without a body",
}
_ASSETS = frozenset({"css/swagger-ui.css", "js/swagger-ui-bundle.js"})
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ title }}</title><link rel="stylesheet" href="docs/css/swagger-ui.css"></head>
<body><div id="ui"></div><script src="docs/js/swagger-ui-bundle.js"></script>
<script src="docs/js/start.js"></script></body>
</html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#ui", persistAuthorization: true})\n'
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
    "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
