"""Messages in the forms that channels take: plain text, Markdown, HTML; as much as fits.

Words of other people (names of tables, what a rule found, notes) are data in each form: they make no mark-up, link or mention.
"""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, assert_never
from urllib.parse import quote

from backend.notifications.words import DETAILS, Block, Line, Link, Name, Span, blocks, title
from stringx_dataops.contract.messages.notifications import NotificationContent

Form = Literal["text", "markdown", "html"]
LONGEST_TITLE = 200  # characters
_MENTIONS = re.compile(r"(?<![\w.])@(?=\w)|@(?=(?:everyone|here|channel|room|all)\b)", re.IGNORECASE)
_NO_SPACE = "\N{ZERO WIDTH SPACE}"
_LOOKALIKES = str.maketrans({"<": "‹", ">": "›"})
_IN_TITLES = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'", "&": "+", "*": "∗", "\\": "/"})


@dataclass(frozen=True)
class Rendered:
    """A message in one form. `title` is plain; it stands above the body, or as its first line."""

    title: str
    body: str


def render(
    content: NotificationContent,
    channel: str,
    public_url: str | None,
    form: Form = "text",
    *,
    longest: int = 30_000,
    longest_title: int = LONGEST_TITLE,
) -> Rendered:
    """As much of it as fits into `longest` characters. Without room for a title (0) it begins the body."""
    has_title = longest_title > 0
    heading = cut(_joined(title(content, channel), _in_title), min(longest_title or LONGEST_TITLE, LONGEST_TITLE))
    first = "" if has_title else _bold(heading, form) + _BREAKS[form]
    body = ""
    for detail in DETAILS:
        body = first + _body(blocks(content, public_url, detail), form)
        if len(body) <= longest:
            break
    else:
        body = _plain(heading, form, longest)
    return Rendered(heading if has_title else "", body or _plain(heading, form, longest))


def plain(content: NotificationContent, channel: str, public_url: str | None) -> Rendered:
    """The title as lists and pages show it."""
    return render(content, channel, public_url)


def heading(content: NotificationContent, channel: str) -> str:
    """The title alone."""
    return cut(_joined(title(content, channel), lambda span: span if isinstance(span, str) else clean(span.text)), LONGEST_TITLE)


def clean(text: str) -> str:
    """The text in one line, without control characters and without those that turn the direction of writing."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def cut(text: str, longest: int) -> str:
    """The text, cut to at most so many characters."""
    return text if len(text) <= longest else f"{text[: max(0, longest - 1)]}…"


_BREAKS: dict[Form, str] = {"text": "\n", "markdown": "\n", "html": ""}


def _body(of: Iterable[Block], form: Form) -> str:
    match form:
        case "text":
            return "\n\n".join(_written(block, _as_text, lambda head: head, "\n") for block in of)
        case "markdown":
            return "\n\n".join(_written(block, _as_markdown, lambda head: f"**{head}**", "  \n") for block in of)
        case "html":
            return "".join(map(_as_html_block, of))
        case _:
            assert_never(form)


def _written(block: Block, write: Callable[[Span], str], bold: Callable[[str], str], line_end: str) -> str:
    head = [bold(_joined(block.head, write))] if block.head else []
    lines = [*head, *(_joined(line, write) for line in block.lines)]
    points = "\n".join(f"- {_joined(each, write)}" for each in block.points)
    return "\n".join(filter(None, [line_end.join(lines), points]))


def _as_html_block(block: Block) -> str:
    head = [f"<b>{_joined(block.head, _as_html)}</b>"] if block.head else []
    lines = "<br>".join([*head, *(_joined(line, _as_html) for line in block.lines)])
    points = "".join(f"<li>{_joined(each, _as_html)}</li>" for each in block.points)
    return (f"<p>{lines}</p>" if lines else "") + (f"<ul>{points}</ul>" if points else "")


def _joined(line: Line, write: Callable[[Span], str]) -> str:
    return "".join(map(write, line))


def _as_text(span: Span) -> str:
    if isinstance(span, Link):
        return f"{span.text}: {address(span.url)}"
    return span if isinstance(span, str) else _tame(span.text)


def _as_markdown(span: Span) -> str:
    if isinstance(span, Link):
        return f"{span.text}: {address(span.url)}"
    return span if isinstance(span, str) else f"`{_tame(span.text).replace('`', chr(39)) or ' '}`"


def _as_html(span: Span) -> str:
    if isinstance(span, Link):
        return f'<a href="{html.escape(address(span.url))}">{html.escape(span.text)}</a>'
    if isinstance(span, str):
        return html.escape(span)
    text = html.escape(_without_mentions(clean(span.text)))
    return f"<code>{text}</code>" if isinstance(span, Name) else text


def _in_title(span: Span) -> str:
    return span if isinstance(span, str) else _without_mentions(clean(span.text).translate(_IN_TITLES))


def _tame(text: str) -> str:
    """Plain text that no chat reads as a mention or a link with other words."""
    return _without_mentions(clean(text).translate(_LOOKALIKES)).replace("](", "] (")


def _without_mentions(text: str) -> str:
    return _MENTIONS.sub(f"@{_NO_SPACE}", text)


def address(url: str) -> str:
    """A web address without a character that ends it, or is mark-up, in Markdown or HTML."""
    return quote(url, safe="%/:=&?~#+!$,;@._-[]")


def _bold(text: str, form: Form) -> str:
    match form:
        case "text":
            return text
        case "markdown":
            return f"**{text}**"
        case "html":
            return f"<p><b>{html.escape(text)}</b></p>"
        case _:
            assert_never(form)


def _plain(text: str, form: Form, longest: int) -> str:
    """The title alone, where nothing else fits."""
    return html.escape(cut(text, max(1, longest // 6))) if form == "html" else cut(text, longest)
