"""Groups of rules that are decided for each group, as pages show them: how many did not pass, and the worst ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.dashboard.samples import cut
from backend.insights import rules
from database.pool import Database
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.messages.groups import GroupResult
from web.look import formats

_LONGEST = 60  # characters of a value of a key


@dataclass(frozen=True)
class GroupRow:
    """A group. `key` is None where its columns may not be shown; `change` says that it is new, or missing."""

    status: str
    key: str | None
    numbers: str
    change: str | None


@dataclass(frozen=True)
class Groups:
    """The worst groups of a rule, of `count` in all, of which `failing` did not pass."""

    rows: list[GroupRow]
    count: int
    failing: int

    @property
    def summary(self) -> str:
        """Such as `3 of 14 groups did not pass`."""
        groups = "1 group" if self.count == 1 else f"{self.count:,} groups"
        return (
            f"{self.failing:,} of {groups} did not pass"
            if self.failing
            else f"{groups}, which pass"
            if self.count
            else "no group"
        )

    @property
    def more(self) -> int:
        """That are not among the rows."""
        return max(0, self.count - len(self.rows))


def groups_of(found: Sequence[GroupResult] | None, count: int | None, failing: int | None, *, with_keys: bool) -> Groups | None:
    """What a result says of a rule's groups; None for a rule without. `with_keys`: whether the person may see values of rows."""
    if found is None:
        return None
    return Groups([_row(group, with_keys) for group in found], len(found) if count is None else count, failing or 0)


def of_check(
    database: Database, table: str, shown: Sequence[Rule], check_id: str | None, *, with_keys: bool
) -> dict[str, Groups]:
    """The groups that a check found, by rule, of those of these rules that have groups."""
    grouped = [rule.id for rule in shown if rule.group_columns]
    found = rules.groups(database, table, grouped, check_id) if check_id is not None else {}
    return {
        rule_id: Groups([_row(group, with_keys) for group in each.worst], each.count, each.failing)
        for rule_id, each in found.items()
    }


def _row(group: GroupResult, with_keys: bool) -> GroupRow:
    key = None
    if group.key is not None and with_keys:
        key = ", ".join(f"{name} = {'NULL' if value is None else cut(value, _LONGEST)}" for name, value in group.key.items())
    return GroupRow(group.status, key, _numbers(group), group.change)


def _numbers(group: GroupResult) -> str:
    if group.failures is None:
        return formats.number(group.measured)
    if not group.total:
        return formats.number(group.failures)
    return f"{formats.number(group.failures)} of {formats.number(group.total)} ({formats.share(group.failures / group.total)})"
