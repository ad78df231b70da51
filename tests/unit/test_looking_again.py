"""How often a thread that waits for a notification looks by itself."""

from database.notifications import LOOK_AGAIN_S, Listener
from database.pool import Database


def test_it_looks_as_often_as_it_is_told() -> None:
    listener = Listener(Database("postgresql://nobody@127.0.0.1:1/none", size=1), "none")
    looks: list[int] = []

    def third_look() -> bool | None:
        looks.append(1)
        return len(looks) == 3 or None

    assert listener.wait_for("work", third_look, LOOK_AGAIN_S - 0.1, look_again_s=0.001)
    looks.clear()
    assert listener.wait_for("work", third_look, 0.1, look_again_s=60) is None
    assert len(looks) == 2, "at once, and when the time was over"
