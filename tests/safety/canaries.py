"""What an injection would touch: a table that must not change, a file that must not be read, secrets that must not be told."""

import os
import tempfile
from pathlib import Path

TABLE = "canary.gold"
FILE = str(Path(tempfile.gettempdir()) / f"stringx-canary-{os.getpid()}.txt")  # known before the tests start: payloads spell it
VARIABLE = "STRINGX_TARGET_CANARY"  # one of the variables that a check's process gets


class Tripped(AssertionError):
    """A canary was touched; the text says which and how."""
