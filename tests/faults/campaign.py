"""Random kills, stops and crashes of every kind of process while clients ask for checks over both services, and the account of it:
`python -m tests.faults.campaign --seed N --kills K --checks M [--minutes T] [--batches]`.

With `--batches` there are many small tables and more clients, so that workers find checks of one target that wait, and run them together; it also
fails if fewer than half of the checks have run so.

Exit 0 only if nothing was lost, nothing stored twice, no verdict differs from plain SQL's, and 99 of 100 recoveries took less than
45 s. It ends only processes that it has started itself.
"""

import argparse
import collections
import contextlib
import math
import signal
import sys
import time
from collections.abc import Iterator

from tests.faults.accounting import audit, left_over
from tests.faults.kills import Campaign
from tests.support.installation import FEW_RULE_TYPES, Installation

RECOVERY_S = 45.0
# What each check may end as: a canceled one is the client's wish; a target that is shot down is an error that says so.
_ENDS = {"succeeded", "canceled", "errored"}


def percentile(values: list[float], share: float) -> float:
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def report(campaign: Campaign, settled: bool, minutes: float) -> bool:
    """Printed for people; whether everything held."""
    installation = campaign.installation
    otherwise = {row["request_id"]: _ENDS for row in installation.rows("select request_id from dataops.checks")}
    account = audit(installation, otherwise, set())
    account.left_over += left_over(installation)
    statuses = collections.Counter(row["status"] for row in account.checks.values())
    reasons = collections.Counter(
        str(row["result"]["reason"]) for row in account.checks.values() if row["status"] not in ("succeeded", "canceled")
    )
    for request_id, row in account.checks.items():
        if row["status"] == "canceled" and request_id not in campaign.canceled:
            account.wrong.append(f"{request_id} was canceled by nobody")
    recoveries = campaign.recoveries()
    p50, p99 = percentile(recoveries, 0.5), percentile(recoveries, 0.99)
    print(f"seed {campaign.seed}, {minutes:.1f} minutes, {len(campaign.kills)} kills and stops, {len(account.checks)} checks")
    for kind, number in collections.Counter(kill.kind for kill in campaign.kills).most_common():
        print(f"  {number:5d} {kind}")
    print(f"ended as: {dict(statuses)}; reasons of errors: {dict(reasons.most_common(5))}")
    print(f"clients met: {dict(campaign.refused)}")
    print(
        f"runs: {sum(row['attempt'] for row in account.checks.values())}, crashes counted {sum(row['crashes'] for row in account.checks.values())}"
    )
    together = sum(row["batch"] is not None for row in account.checks.values())
    print(f"last run with others: {together} of {len(account.checks)} checks")
    print(f"recoveries: {len(recoveries)}, p50 {p50:.1f} s, p99 {p99:.1f} s, longest {recoveries[-1] if recoveries else 0:.1f} s")
    print(
        f"lost {len(account.lost)}, stored twice {len(account.stored_twice)}, wrong verdicts {len(account.wrong)}, left over {len(account.left_over)}"
    )
    for fault in [*account.lost, *account.stored_twice, *account.wrong, *account.left_over][:20]:
        print(f"  {fault}")
    if not settled:
        print(f"not ended: {installation.unfinished()[:10]}")
    accepted_wrongly = campaign.refused["another body under a used key was accepted"]
    missed = campaign.batches and together < len(account.checks) / 2
    return settled and account.clean and p99 < RECOVERY_S and not accepted_wrongly and not missed


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """A SIGTERM ends the campaign as Ctrl-C does: with its account while it runs, and always with everything that it has started."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--checks", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--lease", type=int, default=5, help="LEASE_SECONDS of the installation")
    parser.add_argument("--batches", action="store_true", help="many small tables, whose checks share runs")
    asked = parser.parse_args()
    sizes = (200,) * 16 if asked.batches else (200, 2000, 20_000)
    installation = Installation(lease_s=asked.lease, rule_types=FEW_RULE_TYPES)
    with _terminable():
        try:
            installation.start()
            tables = [installation.table(kind, rows) for kind in ("clean", "warned", "dirty") for rows in sizes]
            installation.mark()
            begun = time.monotonic()
            campaign = Campaign(installation, asked.seed, asked.kills, asked.checks, begun + 60 * asked.minutes, asked.batches)
            try:
                campaign.run(tables)
            except KeyboardInterrupt:
                print("ended early; the account of what was done:", flush=True)
            settled = campaign.settle(240)
            return 0 if report(campaign, settled, (time.monotonic() - begun) / 60) else 1
        finally:
            installation.end()


if __name__ == "__main__":
    sys.exit(main())
