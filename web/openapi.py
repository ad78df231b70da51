"""The OpenAPI document, made from the routes and the pydantic models that parse and render them; and Swagger UI."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, Response, abort, render_template_string, request, send_from_directory
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

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
_PATH_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_DEMO = {"target": "nyc", "table": "public.flights"}  # of every path that has such a part
_PROBLEM = {
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


@dataclass(frozen=True)
class Operation:
    """What the document says of one route, and what requests are held against: `query` holds every parameter that it takes, and
    one without a `body` reads none. `path` and `example` are what Swagger UI fills in: the demo's."""

    summary: str
    scope: KeyScope | None = None
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = ("application/json",)
    query: tuple[Parameter[Any], ...] = ()
    answers: dict[int, type[BaseModel] | None] = field(default_factory=lambda: {200: None})
    errors: tuple[type[StringXError], ...] = ()
    path: Mapping[str, str] = field(default_factory=dict)
    example: Any = None

    @property
    def refusals(self) -> list[type[StringXError]]:
        """Its own errors, and those that any request with a key may meet."""
        found = dict.fromkeys(self.errors)
        if self.scope is not None:
            found |= dict.fromkeys((Malformed, Unauthenticated, Forbidden, TooLarge, Invalid, Unavailable))
            if self.body is not None:
                found[UnsupportedMediaType] = None
        return list(found)

    @cached_property
    def models(self) -> list[type[BaseModel]]:
        """The models of its body and its answers."""
        return [model for model in (self.body, *self.answers.values()) if model is not None]


_UNDESCRIBED = Operation("")


def describe(operation: Operation) -> Callable[[View], View]:
    """Attach an operation to a view; what has none is left out of the document."""

    def attach(view: View) -> View:
        view.__dict__["operation"] = operation
        return view

    return attach


def current_operation(app: Flask) -> Operation:
    """The operation of the view that handles the current request. A view without one takes no parameter and no body."""
    found: Operation = getattr(app.view_functions[request.endpoint or ""], "operation", _UNDESCRIBED)
    return found


def install(app: Flask, title: str, description: str, version: str) -> None:
    """`/openapi.json` and `/docs`, both without a key."""
    document: dict[str, Any] = {}

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


def build(app: Flask, title: str, description: str, version: str) -> dict[str, Any]:
    """The OpenAPI document of all described views."""
    paths: dict[str, dict[str, Any]] = {}
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


def _operation(operation: Operation, name: str, path_parameters: list[str]) -> dict[str, Any]:
    refusals: set[type[StringXError]] = {*operation.refusals, *([NotFound] if path_parameters else [])}
    examples = {**_DEMO, **operation.path}
    parameters: list[dict[str, Any]] = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
        | ({"example": examples[part]} if part in examples else {})
        for part in path_parameters
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.description, "schema": dict(each.schema)}
        for each in operation.query
    ]
    responses: dict[str, Any] = {}
    for status, model in operation.answers.items():
        responses[str(status)] = {"description": _STATUS.get(status, "answer")}
        if model is not None:
            schema = {"$ref": _REF.format(model=model.__name__)}
            responses[str(status)]["content"] = {"application/json": {"schema": schema}}
    for error in sorted(refusals, key=lambda error: error.status):
        responses[str(error.status)] = {
            "description": error.title,
            "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    item: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", name).strip("_"),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    }
    if operation.scope:
        item["security"] = [{"key": []}]
        item["description"] = f"Needs a key with the scope `{operation.scope}`."
    if operation.body:
        schema = {"$ref": _REF.format(model=operation.body.__name__)}
        media = {"schema": schema} | ({"example": operation.example} if operation.example is not None else {})
        item["requestBody"] = {"required": True, "content": dict.fromkeys(operation.body_types, media)}
    return item


def _swagger_files() -> Path:
    """Where the package that brings Swagger UI lies; it is read, not imported."""
    spec = find_spec("flask_openapi3_swagger")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("flask-openapi3-swagger is not installed; install requirements.txt")
    return Path(spec.submodule_search_locations[0]) / "templates" / "swagger"


_STATUS = {200: "done", 202: "accepted, not finished yet; Location tells where to look", 204: "done, nothing to say"}
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
