"""What an import gives: table documents, and what was lost on the way."""

from dataclasses import dataclass, field

from stringx_dataops.contract.json_types import JsonObject


class Unreadable(Exception):
    """A file could not be read at all. The text is one line that begins with the file, and its line where there is one."""


@dataclass(frozen=True)
class Loss:
    """Something of the source that no rule says, and why."""

    place: str  # `file:line`, or the name of a node
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


@dataclass(frozen=True)
class Taken:
    """What was taken up from a source. `taken` is the number of rules; `remarks` are assumptions, one line each."""

    documents: list[JsonObject]
    losses: list[Loss]
    taken: int
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Written:
    """An export: the text of each file by its name, and what the format cannot say."""

    files: dict[str, str]
    losses: list[Loss]
