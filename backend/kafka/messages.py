"""Messages to Kafka, and what became of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KafkaMessage:
    """A message to send. `headers` are pairs of name and value."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Receipt:
    """Which messages of a list the broker has confirmed, and which are too large for the topic, by their index in the list.
    `fault`: why the others are neither, in one line. `shortened`: the confirmed ones that were sent in a shorter form, after all
    others."""

    confirmed: frozenset[int] = frozenset()
    too_large: tuple[int, ...] = ()
    fault: str | None = None
    shortened: frozenset[int] = frozenset()
