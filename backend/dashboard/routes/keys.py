"""Keys: listed, made, rotated and revoked by those who administer. A key is shown once, on the page that follows its form."""

from datetime import UTC, datetime

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import editing
from backend.dashboard import forms, key_forms
from backend.dashboard.key_forms import KeyForm
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.keys import management
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.keys import DEFAULT_OVERLAP, KeyItem, MadeKey, NewKey, overlap_s
from stringx_dataops.contract.problems import Conflict, FieldError, Forbidden, Invalid, StringXError, invalid

_ON_PAGE = 50


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of keys. Each function of `management` refuses whoever does not administer."""
    database = service.database

    @routes.get("/keys", endpoint="keys")
    def show_keys() -> Response:
        found = management.page(database, g.caller, wanted(management.PAGES, _ON_PAGE))
        keys = [KeyItem.model_validate(item) for item in found["items"]]
        return page("keys.html", here="keys", keys=key_forms.rows(keys, datetime.now(UTC)), next=next_page(found))

    @routes.post("/keys")
    def create_key() -> Response:
        sent, chosen = forms.fields(), request.form
        form = KeyForm(
            sent.get("name", "").strip(),
            chosen.getlist("scopes"),
            sent.get("limit") == "some",
            chosen.getlist("targets"),
            sent.get("expires_in", ""),
        )
        try:
            made = management.create(database, g.caller, _new_key(form))
        except (Invalid, Conflict, Forbidden) as error:
            _require_admin()
            return _form(form.refused(error))
        return _shown(made, "made")

    @routes.get("/keys/new")
    def new_key() -> Response:
        _require_admin()
        return _form(KeyForm())

    @routes.get("/keys/<name>/rotate", endpoint="rotate_key")
    def ask_for_rotation(name: str) -> Response:
        return _rotation(name)

    @routes.post("/keys/<name>/rotate")
    def rotate_key_now(name: str) -> Response:
        sent = forms.fields()
        before = management.find(database, g.caller, name)
        if sent.get("before", "") != (before.prefix or ""):
            return _rotation(name, Conflict("the key was rotated meanwhile; look whether you still want to"))
        try:
            seconds = _overlap(sent.get("overlap", DEFAULT_OVERLAP))
            made = management.rotate(database, g.caller, name, seconds)
        except (Conflict, Invalid) as error:
            return _rotation(name, error)
        return _shown(made, "rotated")

    @routes.get("/keys/<name>/revoke", endpoint="revoke_key")
    def ask_for_revocation(name: str) -> Response:
        return _revocation(name)

    @routes.post("/keys/<name>/revoke")
    def revoke_key_now(name: str) -> BaseResponse:
        try:
            management.revoke(database, g.caller, name)
        except Conflict as error:
            return _revocation(name, error)
        return redirect(url_for("dashboard.keys"), 303)

    def _form(form: KeyForm) -> Response:
        scopes, targets = key_forms.grantable(g.caller.scopes), editing.targets(database)
        return page("key_new.html", form.status, here="keys", form=form, scopes=scopes, targets=targets, lives=key_forms.LIVES)

    def _rotation(name: str, error: StringXError | None = None) -> Response:
        key = management.find(database, g.caller, name)
        status = error.status if error else 200
        return page(
            "key_rotate.html",
            status,
            here="keys",
            row=key_forms.rows([key], datetime.now(UTC))[0],
            overlaps=key_forms.OVERLAPS,
            chosen=forms.fields().get("overlap", DEFAULT_OVERLAP) if error else DEFAULT_OVERLAP,
            fault=error.detail if error else "",
        )

    def _revocation(name: str, error: StringXError | None = None) -> Response:
        key = management.find(database, g.caller, name)
        return page(
            "key_revoke.html",
            error.status if error else 200,
            here="keys",
            row=key_forms.rows([key], datetime.now(UTC))[0],
            is_own=key.name == g.caller.name,
            fault=error.detail if error else "",
        )


def _require_admin() -> None:
    g.caller.require("admin")
    g.caller.require_unlimited()


def _new_key(form: KeyForm) -> NewKey:
    """Raises Invalid. Where targets were to be chosen and none was, nothing is made of all of them."""
    if form.is_limited and not form.targets:
        raise invalid([FieldError("/targets", "are to be chosen; choose at least one, or all targets")])
    if not form.scopes:
        raise invalid([FieldError("/scopes", "are to be chosen; choose at least one")])
    return parse_model(NewKey, form.asked())


def _overlap(text: str) -> float:
    try:
        return overlap_s(text)
    except ValueError as error:
        raise invalid([FieldError("/overlap", str(error))]) from error


def _shown(made: MadeKey, what: str) -> Response:
    """The only page that has the key. It is kept nowhere: by no cache, and under no address that can be opened again."""
    response = page("key_made.html", 201, here="keys", made=made, what=what)
    response.headers["Cache-Control"] = "no-store"
    return response
