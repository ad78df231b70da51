"""Requests that find no slot to wait in: they are told when to ask again."""

from flask import Flask

from database.notifications import Listener
from database.pool import Database
from web import waiting


def app_with_one_slot() -> tuple[Flask, Listener]:
    app, listener = Flask("waiting"), Listener(Database("postgresql://nobody@127.0.0.1:1/none"), "channel", 1)
    waiting.install(app)

    @app.get("/<state>")
    def show(state: str) -> str:
        work = waiting.Work("7", lambda: state, lambda found: found == "ended")
        return waiting.until_ended(listener, work, state if state == "ended" else "queued", 20)

    return app, listener


def test_who_finds_no_slot_is_told_when_to_ask_again() -> None:
    app, listener = app_with_one_slot()
    client = app.test_client()
    with listener.waiting_slot() as taken:
        assert taken
        answers = [client.get("/queued") for _ in range(3)]
        ended = client.get("/ended")
    assert [answer.text for answer in answers] == ["queued"] * 3
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
    assert "Retry-After" not in ended.headers


def test_appointments_lie_apart_so_that_many_clients_keep_no_thread_busy() -> None:
    appointments = waiting._Appointments()
    assert appointments.next(1000.0) == 1
    told = [appointments.next(1000.0) for _ in range(200)]
    assert told == sorted(told)
    assert told[-1] == 11, "two hundred in ten seconds"
    assert {appointments.next(1000.0) for _ in range(2000)} >= {30}
    assert appointments.next(1000.0) == 30, "nobody waits for longer"
    assert appointments.next(1100.0) == 1
