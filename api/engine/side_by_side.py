"""Looks at files one after the other, and at objects of S3 at the same time, because each is waited for."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stringx_dataops.contract.documents.engines.s3 import is_object

T = TypeVar("T")
_LOOKS = 16


def looks(look: Callable[[str], T], files: Sequence[str]) -> Iterator[T]:
    """What `look` finds of each file, in order. Raises its first error."""
    if not any(map(is_object, files)):
        yield from map(look, files)
        return
    with ThreadPoolExecutor(_LOOKS) as threads:
        yield from threads.map(look, files)
