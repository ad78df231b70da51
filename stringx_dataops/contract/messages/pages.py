"""Pages of lists: how many items a page has, and the cursor of the next page."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

DEFAULT, MOST = 50, 1000  # items per page
MOST_BYTES = 8 * 1024 * 1024  # per page, unless a single item is larger
_CHECK_BYTES = 6  # of the checksum in a cursor

Position = tuple[str, ...]
Sized = tuple[Position, Any, int]  # position, item, and the size of the item in bytes


class PageJson(TypedDict):
    """A page as the body of an answer; `next_cursor` is None on the last page."""

    items: list[Any]
    next_cursor: str | None


@dataclass(frozen=True)
class Page:
    """The page that a caller asks for: at most `limit` items after a position, or from the beginning."""

    limit: int = DEFAULT
    after: Position | None = None


FIRST = Page()


@dataclass(frozen=True)
class Pages:
    """A list in a fixed order. An item's position consists of one or several texts, such as its id.

    A cursor is the position of a page's last item with a checksum. So cursors that were truncated, made up or taken from another
    list are refused, and a cursor stays valid even if items are deleted.
    """

    name: str
    texts: int = 1  # number of texts in a position
    default: int = DEFAULT

    def answer(self, page: Page, positioned: Sequence[tuple[Position, Any]]) -> PageJson:
        """The page, from its items with their positions. If the list goes on, at least one item after the page must be given."""
        items = [item for _, item in positioned[: page.limit]]
        more = len(positioned) > page.limit
        return {"items": items, "next_cursor": self.cursor(positioned[page.limit - 1][0]) if more else None}

    def read(self, page: Page, piece: Callable[[Position | None, int], Sequence[Sized]], at_once: int) -> PageJson:
        """A page of at most MOST_BYTES, or with a single larger item.

        `piece` returns the given number of items after a position, or all that are left. It is called for at most `at_once`
        items, because they are all in memory at the same time.
        """
        positioned: list[tuple[Position, Any]] = []
        left, number, after = MOST_BYTES, 1 if at_once <= page.limit else at_once, page.after
        while len(positioned) <= page.limit:
            wanted = min(number, page.limit + 1 - len(positioned))
            items = piece(after, wanted)
            for position, item, size in items:
                left -= size
                if left < 0 and positioned:
                    return {"items": [each for _, each in positioned], "next_cursor": self.cursor(positioned[-1][0])}
                positioned.append((position, item))
                after = position
            if len(items) < wanted:
                break
            number = min(2 * number, at_once)
        return self.answer(page, positioned)

    def cursor(self, position: Position) -> str:
        """The cursor of a position: base64 of a checksum and of the position as JSON."""
        body = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
        check = hashlib.sha256(f"{self.name}\n".encode() + body).digest()[:_CHECK_BYTES]
        return urlsafe_b64encode(check + body).decode().rstrip("=")

    def position(self, cursor: str) -> Position:
        """The position of a cursor. Raises ValueError for a text that is no cursor of this list."""
        try:
            body = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[_CHECK_BYTES:]
            position: Position = tuple(json.loads(body))
        except (ValueError, TypeError, RecursionError):
            position = ()
        whole = len(position) == self.texts and all(isinstance(text, str) for text in position)
        if not whole or self.cursor(position) != cursor:  # base64 has several texts for the same bytes
            raise ValueError("is no cursor of this list; give next_cursor of the page before")
        return position
