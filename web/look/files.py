"""Serves the files of the look, the stylesheet and the icon, which need no key; gives its marks to templates."""

from flask import Blueprint, Response

from web.look import marks

NAME = "look"
_ADDRESS = "/-"  # no target is called so; those are at / of the portal


def blueprint() -> Blueprint:
    """The files, at addresses of their own, which a page names as `look.static`; the filters `status` and `strip`; `legend()`."""
    files = Blueprint(NAME, __name__, static_folder="static", static_url_path=_ADDRESS)

    files.add_app_template_filter(marks.status, "status")
    files.add_app_template_filter(marks.strip, "strip")
    files.add_app_template_global(marks.legend, "legend")

    @files.after_request
    def protect(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return files
