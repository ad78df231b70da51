"""What a rule's result says of the earlier points that it was compared with."""

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model

MAX_COMPARED = 10  # points that a baseline names


class Learning(Model):
    """How many usable points there are, and how many it takes."""

    have: int
    need: int


class ComparedPoint(Model):
    """An earlier point. `at` is the moment it stands for: the snapshot of its check, or the `from` of its window."""

    at: AwareDatetime
    check_id: str
    measured: int | float | str | None


class Baseline(Model):
    """What a rule's earlier points say of the value that is judged, which is never among them.

    `center`: what is usual, or the value that is compared with. `low` and `high` are inclusive: the value fails beyond them, or
    warns where the rule only warns. All three are null while it learns. `points` is how many it was made of, `compared_with` the
    newest of these, newest first. `moved_at`: since when the values lie at another level. `words`: one or two sentences why the
    value is usual or not.
    """

    center: int | float | str | None = None
    low: int | float | str | None = None
    high: int | float | str | None = None
    points: int = 0
    season: str = "none"
    learning: Learning | None = None
    compared_with: list[ComparedPoint] = []
    moved_at: AwareDatetime | None = None
    words: str = ""
