"""`dataops dlq`: lists messages that could not become requests, read from the brokers, and sends them again."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from stringx_dataops.cli.options import AS_JSON_LINES, example
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.variables import SettingsError

if TYPE_CHECKING:
    from stringx_dataops.cli.letters import Letter, Letters


@click.group()
def dlq() -> None:
    """Messages of Kafka that could not become requests (dead letters)."""


@dlq.command("list", epilog=example("dataops dlq list --target nyc"))
@click.option("--all", "everything", is_flag=True, help="those that have been replayed, too")
@click.option("--target", metavar="TARGET", help="only those whose message names this target")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="how many, the oldest first")
@AS_JSON_LINES
def list_(everything: bool, target: str | None, limit: int, as_json: bool) -> int:
    """Dead letters that have not been replayed, the oldest first: place, time, origin, why, the message."""
    with _letters(kafka.of_client()) as letters:
        for number, letter in enumerate(letter for letter in letters.read(everything) if target in (None, _target(letter))):
            if number == limit:
                click.echo(f"dataops: there are more than {limit}; give --limit", err=True)
                break
            click.echo(json.dumps(letter.as_json(), ensure_ascii=False) if as_json else letter.as_line())
    return 0


@dlq.command(epilog=example("dataops dlq replay 0:15 0:16", "dataops dlq replay --all"))
@click.argument("places", nargs=-1, metavar="[PARTITION:OFFSET]...")
@click.option("--all", "everything", is_flag=True, help="every one that has not been replayed yet")
def replay(places: Sequence[str], everything: bool) -> int:
    """Send dead letters again as requests, after you have removed the cause. If one fails again, it becomes a new dead letter."""
    if bool(places) == everything:
        raise click.UsageError("name the letters as PARTITION:OFFSET (dataops dlq list shows them), or give --all")
    wanted = {_place(text) for text in places}
    settings = kafka.of_client()
    sent, cut = 0, []
    with _letters(settings) as letters:
        for letter in letters.read(everything=not everything):
            if not everything and (letter.partition, letter.offset) not in wanted:
                continue
            wanted.discard((letter.partition, letter.offset))
            if letter.is_cut:
                cut.append(letter)
            else:
                letters.replay(letter)
                sent += 1
        if everything:
            letters.commit()
    click.echo(f"{sent} sent to {settings.requests}")
    for letter in cut:
        click.echo(f"dataops: {letter.place} was cut; the whole message is at {letter.origin}", err=True)
    if wanted:
        missing = ", ".join(f"{partition}:{offset}" for partition, offset in sorted(wanted))
        raise click.UsageError(f"there is no dead letter at {missing}; dataops dlq list shows those that are there")
    return 3 if cut else 0


def _letters(settings: Kafka) -> "Letters":
    try:
        from stringx_dataops.cli.letters import Letters  # here, because no other command needs the Kafka client
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "kafka":
            raise
        raise SettingsError("the Kafka client is not installed; pip install 'stringx-dataops[kafka]'") from error

    return Letters(settings)


def _target(letter: "Letter") -> object:
    """The target that the message names; None if it cannot be read."""
    try:
        value = json.loads(letter.value or b"")
    except (ValueError, RecursionError):
        return None
    return value.get("target") if isinstance(value, dict) else None


def _place(text: str) -> tuple[int, int]:
    partition, _, offset = text.partition(":")
    if not (partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        raise click.UsageError(f"{text!r} is no dead letter's place; write PARTITION:OFFSET, such as 0:15")
    return int(partition), int(offset)
