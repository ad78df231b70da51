"""The roles apart, two of each."""

from tests.faults.accounting import accounting
from tests.support.installation import Installation


def test_two_of_each_role_share_the_work_and_lose_nothing(installation: Installation) -> None:
    tables = [installation.table(kind) for kind in ("clean", "warned", "dirty")]
    asked = []
    for number in range(1, 3):
        for table in tables:
            asked.append(installation.ask(table, "backend", url=installation[f"backend-{number}"].url))
            asked.append(installation.ask(table, "api", url=installation[f"api-{number}"].url))
    results = installation.results(asked)
    assert {result["verdict"] for result in results} == {"pass", "warn", "fail"}
    assert set(accounting(installation)) == set(asked)
