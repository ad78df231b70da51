"""What all pages share: each state and verdict has an icon, a word and a colour, in both colour schemes."""

import re
from typing import get_args

import pytest

from stringx_dataops.contract.messages.history import State
from stringx_dataops.contract.messages.verdicts import WORST_FIRST
from stringx_dataops.contract.settings import ROOT
from web.look import marks

STYLE = (ROOT / "web" / "look" / "static" / "style.css").read_text()


@pytest.mark.parametrize("word", [*get_args(State), *WORST_FIRST])
def test_a_state_is_an_icon_and_a_word_in_its_colour(word: str) -> None:
    shown = marks.status(word)
    assert marks.ICONS[word] in shown
    assert shown.endswith(f"{word.replace('_', ' ')}</span>")
    assert re.search(rf"\.status\.{word}\b", STYLE)


def test_every_colour_is_there_in_both_schemes() -> None:
    light, dark = (set(re.findall(r"(--\w+):", block)) for block in re.findall(r":root \{([^}]+)\}", STYLE)[:2])
    assert light == dark == set(re.findall(r"var\((--\w+)\)", STYLE))


def test_a_strip_has_the_last_thirty_and_says_how_many_of_each() -> None:
    shown = marks.strip(["fail", *["pass"] * 29, "warn"])
    assert "last 30 checks, the newest on the right: 1 warn, 29 pass" in shown
    assert "fail" not in shown
    assert "no check yet" in marks.strip([])


def test_words_of_others_are_text() -> None:
    assert "<img" not in marks.status("<img>")
