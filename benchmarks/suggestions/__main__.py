"""How good suggestions are: `python -m benchmarks.suggestions`, about ten minutes. `--only NAME` measures one data set, and
writes nothing.

It writes benchmarks/results/suggestions.json and .md. Exit code 1 if fewer than 80% of the faults are caught, if more than 5% of
the suggestions fail on a clean later sample, or if one does not pass on the very data that it was made of.
"""

import argparse
import sys

from benchmarks.suggestions import report
from benchmarks.suggestions.checking import running
from benchmarks.suggestions.data import DATA_SETS
from benchmarks.suggestions.measure import measure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suggestions", description=__doc__)
    parser.add_argument("--only", choices=[each.name for each in DATA_SETS], action="append")
    parser.add_argument("--details", action="store_true", help="print every rule that fails and every fault that is missed")
    asked = parser.parse_args()
    results = []
    with running() as checker:
        for data_set in DATA_SETS:
            if not asked.only or data_set.name in asked.only:
                found = measure(checker, data_set)
                results += found
                for each in found:
                    print(report.line(each), flush=True)
                    if asked.details:
                        print(report.details(each), flush=True)
    if not asked.only:
        report.write(results)
    return 0 if report.is_good(results) else 1


if __name__ == "__main__":
    sys.exit(main())
