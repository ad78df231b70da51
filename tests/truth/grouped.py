"""Rules with `per`: what each group's answer has to be, by the oracles of the rules without it."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from stringx_dataops.contract.documents.globs import literal_column
from tests.truth.cases import Case, Plan, made_up
from tests.truth.kinds import EVERY
from tests.truth.tables import Draft, Draw, Row
from tests.truth.truth import A_COUNT_IS_A_VALUE, MEASURED, WINDOWED, Answer, Scope, Tested, Undecided, answer_of

ORDER = ("pass", "warn", "fail")


@dataclass
class Grouped:
    """A case whose rules are all decided for each value of some columns."""

    case: Case
    per: list[str]

    def document(self) -> dict[str, Any]:
        document = self.case.document()
        columns = [literal_column(column) for column in self.per]
        named = columns[0] if len(columns) == 1 else columns
        rules = [rule | {"per": named} for rule in document["rules"]]
        return document | {"rules": rules, "sample_columns": sorted({*document["sample_columns"], *self.per})}

    def answers(self, tested: Tested, clock: datetime) -> list[Answer] | None:
        """Of each group that the rule has; None if it cannot be decided."""
        scope = self.case.scope(tested, clock)
        if isinstance(tested.truth(replace(scope, rows=[], whole=[])), Undecided):
            return None
        window = self.case.window_rows() if tested.type in WINDOWED else self.case.table.rows
        rows = window if tested.type in A_COUNT_IS_A_VALUE else scope.rows
        return [answer_of(tested, self._part(scope, key)) for key in dict.fromkeys(map(self._key, rows))]

    def _part(self, scope: Scope, key: Any) -> Scope:
        return replace(
            scope,
            rows=[row for row in scope.rows if self._key(row) == key],
            whole=[row for row in scope.whole if self._key(row) == key],
        )

    def _key(self, row: Row) -> Any:
        return tuple(None if row[name] is None else self.case.table.kind_of(name).key(row[name]) for name in self.per)

    def __repr__(self) -> str:
        return f"{self.case!r}\nper: {self.per}"


@st.composite
def grouped(draw: Draw, plan: Plan, clock: datetime) -> Grouped:
    """A case of a plan, with one or two more columns that make the groups, of any type that has an equality."""
    case = draw(made_up(plan, clock))
    draft = Draft(draw, case.table, case.timezone, clock)
    per = []
    for _ in range(draft.choose(1, 1, 2)):
        kind = draft.choose(*EVERY)
        values = [*draft.pool(kind, 1, 3), None]
        per.append(draft.add(kind, [draft.choose(*values) for _ in range(case.table.size)]))
    return Grouped(case, per)


def expected(tested: Tested, answers: list[Answer] | None) -> dict[str, Any]:
    """What the rule's outcome has to say of its groups together."""
    if answers is None:
        return {"status": "error"}
    statuses = Counter(answer.status for answer in answers)
    return {
        "status": max((answer.status for answer in answers), key=ORDER.index, default="pass"),
        "failures": None if tested.type in MEASURED else sum(answer.failures or 0 for answer in answers),
        "total": sum(answer.total or 0 for answer in answers),
        "count": len(answers),
        "failing": statuses["fail"],
        "warning": statuses["warn"],
    }
