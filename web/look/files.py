"""Serves the files of the look: the stylesheet and the icon. They need no key."""

from flask import Blueprint, Response

NAME = "look"
_ADDRESS = "/-"  # no target is called so; those are at / of the portal


def blueprint() -> Blueprint:
    """The files, at addresses of their own; a page names them as `look.static`."""
    files = Blueprint(NAME, __name__, static_folder="static", static_url_path=_ADDRESS)

    @files.after_request
    def protect(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return files
