"""ISO 8601 as Python 3.11 and newer read it, on 3.10 too (there without fractions of a second in offsets)."""

import sys
from collections.abc import Callable
from datetime import datetime

parse_iso: Callable[[str], datetime]
if sys.version_info >= (3, 11):
    parse_iso = datetime.fromisoformat
else:
    from backports.datetime_fromisoformat import datetime_fromisoformat

    parse_iso = datetime_fromisoformat
