"""What a supervised process waits for: `launch` starts all of them at once, so that they load while the database starts."""

import os
import time
from collections.abc import Callable
from pathlib import Path

MIGRATED = "LAUNCH_MIGRATED"  # names a file that exists when the internal database is up to date; unset without a supervisor
_LOOK_S = 0.05


def wait_until_migrated(is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Return when the internal database is up to date, or this process is to stop. Returns at once without a supervisor."""
    mark = os.environ.get(MIGRATED)
    while mark and not Path(mark).exists() and not is_stopping():
        time.sleep(_LOOK_S)
