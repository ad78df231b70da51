"""The route of backups: only for keys that administer and have no limits."""

from flask import Blueprint, Response

from backend.backups import making
from database import audit, backup
from database.pool import Database
from stringx_dataops.contract.problems import Busy, StringXError, Unavailable
from web.keys import caller
from web.openapi import Operation, describe


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("backups", __name__)

    @routes.post("/api/v1/backup")
    @describe(
        Operation(
            "Back up the internal database: the answer is a .tar.gz file, written while it is read",
            scope="admin",
            targets="unlimited",
            errors=(Busy, Unavailable),
        )
    )
    def back_up() -> Response:
        with database.transaction() as cursor:
            mark = backup.mark(cursor)
        pieces = making.start(database.session_url, mark)
        try:
            with database.transaction() as cursor:
                audit.record(cursor, caller(), "backup.made", "database:internal")
        except StringXError:
            pieces.close()
            raise
        headers = {"Content-Disposition": 'attachment; filename="stringx-backup.tar.gz"', "Cache-Control": "no-store"}
        return Response(pieces, 200, headers, content_type="application/gzip", direct_passthrough=True)

    return routes
