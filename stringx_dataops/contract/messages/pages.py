"""Lists page by page: how many items a page has, and the cursor that leads to the next one."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT, MOST = 50, 1000  # items of a page
MOST_BYTES = 8 * 1024 * 1024  # of a page whose items are large; one item may be larger
_CHECK_BYTES = 6

Position = tuple[str, ...]
Sized = tuple[Position, Any, int]  # an item, where it stands, and its bytes


@dataclass(frozen=True)
class Page:
    """What is asked for: at most so many items, behind a position."""

    limit: int = DEFAULT
    after: Position | None = None


FIRST = Page()


@dataclass(frozen=True)
class Pages:
    """A list in an order of its own, in which a position is one or several texts, such as the id of an item.

    A cursor is the position of a page's last item with a checksum: one that was cut, made up or given by another list is noticed,
    and it holds however much of the list is deleted meanwhile.
    """

    name: str
    texts: int = 1  # of a position
    default: int = DEFAULT

    def answer(self, page: Page, found: Sequence[tuple[Position, Any]]) -> dict[str, Any]:
        """The page, from its items with their positions and, where there are more, at least one of those behind it."""
        items = [item for _, item in found[: page.limit]]
        more = len(found) > page.limit
        return {"items": items, "next_cursor": self.cursor(found[page.limit - 1][0]) if more else None}

    def read(self, page: Page, piece: Callable[[Position | None, int], Sequence[Sized]], at_once: int) -> dict[str, Any]:
        """A page of at most MOST_BYTES, or of a single item. `piece` gives so many items behind a position, or all that are left;
        it is never asked for more than `at_once`, which all are in memory."""
        found: list[tuple[Position, Any]] = []
        left, number, after = MOST_BYTES, 1 if at_once <= page.limit else at_once, page.after
        while len(found) <= page.limit:
            wanted = min(number, page.limit + 1 - len(found))
            items = piece(after, wanted)
            for position, item, size in items:
                left -= size
                if left < 0 and found:
                    return {"items": [each for _, each in found], "next_cursor": self.cursor(found[-1][0])}
                found.append((position, item))
                after = position
            if len(items) < wanted:
                break
            number = min(2 * number, at_once)
        return self.answer(page, found)

    def cursor(self, position: Position) -> str:
        body = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
        check = hashlib.sha256(f"{self.name}\n".encode() + body).digest()[:_CHECK_BYTES]
        return urlsafe_b64encode(check + body).decode().rstrip("=")

    def position(self, cursor: str) -> Position:
        """ValueError for a text that is no cursor of this list."""
        try:
            body = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[_CHECK_BYTES:]
            position: Position = tuple(json.loads(body))
        except (ValueError, TypeError, RecursionError):
            position = ()
        whole = len(position) == self.texts and all(isinstance(text, str) for text in position)
        if not whole or self.cursor(position) != cursor:  # made by this list, letter by letter
            raise ValueError("is no cursor of this list; give next_cursor of the page before")
        return position
