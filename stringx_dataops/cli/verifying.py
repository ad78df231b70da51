"""`dataops gate-verify`: what a signed verdict says, found out offline."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stringx_dataops.cli.offline import offline
from stringx_dataops.cli.options import example
from stringx_dataops.cli.output import show
from stringx_dataops.cli.terminal import plain, state
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.errors import Misconfigured, Untrusted

if TYPE_CHECKING:
    from stringx_dataops.contract.verdict_tokens import VerdictClaims

_LARGEST = 1024 * 1024  # bytes of a file


class _Duration(click.ParamType[float]):
    """Seconds of a duration such as 30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        """Refuses what is no duration."""
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, context)


@click.command(
    epilog=example(
        "dataops gate-verify v.jwt --keys k.json --target nyc --table public.planes",
        "dataops gate-verify - --keys k.json --target nyc --max-age 6h < v.jwt",
    )
)
@click.argument("file", metavar="FILE|-")
@click.option("--keys", "keys_file", required=True, metavar="JWKS", help="file with the Backend's /.well-known/jwks.json")
@click.option("--target", help="must be of this target")
@click.option("--table", help="must be of this table (schema.table)")
@click.option("--dataset", metavar="NAME", help="must be of this dataset")
@click.option("--request-id", help="must be about the load that this request announced")
@click.option("--rules-hash", help="must be about these rules")
@click.option("--issuer", help="must be of this installation: its PUBLIC_URL")
@click.option("--max-age", "max_age_s", type=_Duration(), help="the snapshot may be so old, such as 6h")
@click.option("--issued-within", "issued_within_s", type=_Duration(), help="must be signed within this time, such as 10m")
@click.option("--json", "as_json", is_flag=True, help="print what the verdict says")
@offline("gate-verify")
def gate_verify(file: str, keys_file: str, as_json: bool, **wanted: Any) -> int:
    """Say what the signed verdict in FILE says, if it can be trusted. Asks no Backend.

    FILE (- is standard input) holds the token, or an answer of the API with it. Exit codes: 0 open, 1 closed, 3 not to be
    trusted: then it says nothing, whatever is in it.
    """
    if wanted["table"] is not None and wanted["dataset"] is not None:
        raise click.UsageError("--table and --dataset are both given; a verdict is about one of them")
    try:
        from stringx_dataops.verifying import Wanted, verify  # here, because no other command needs cryptography
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        raise Misconfigured("nothing here can verify signatures; pip install 'stringx-dataops[verify]'") from error
    keys = _json(_read(keys_file, "--keys"))
    if not isinstance(keys, dict):
        raise click.UsageError(f"--keys: {keys_file} holds no JSON Web Key Set; fetch /.well-known/jwks.json of the Backend")
    token = _token(_read(file, "FILE"))
    try:
        claims = verify(token, keys, Wanted(**wanted))
    except Untrusted as error:
        raise Untrusted(f"not to be trusted: {error}") from error
    except ValueError as error:
        raise click.UsageError(f"--keys: {error}") from error
    show(json.dumps(claims.as_json(), indent=2, ensure_ascii=False) if as_json else _text(claims))
    return 0 if claims.gate == "open" else 1


def _read(file: str, name: str) -> str:
    try:
        if file == "-" and name == "FILE":
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(_LARGEST + 1)
    except OSError as error:
        raise click.UsageError(f"{name}: {file} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise click.UsageError(f"{name}: {file} has more than 1 MiB; it is something else")
    return data.decode("utf-8", "replace").strip()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _token(text: str) -> str:
    """The token itself, or that of an answer of the API."""
    answer = _json(text) if text.startswith("{") else None
    return str(answer.get("token", "")) if isinstance(answer, dict) else text


def _text(claims: "VerdictClaims") -> str:
    name = claims.table or f"dataset {claims.dataset}"
    line = f"{plain(claims.target)} {plain(name)}: gate {state(claims.gate)}"
    line += f", verdict {state(claims.verdict)}" if claims.verdict is not None else ""
    line += f", snapshot {claims.snapshot_at.isoformat()}" if claims.snapshot_at is not None else ""
    parts = [("signed by", claims.iss), ("check", claims.check_id), ("request", claims.request_id), ("rules", claims.rules_hash)]
    named = [f"  {word} {plain(value)}" for word, value in parts if value is not None]
    window = [f"  window {plain(json.dumps(claims.window, ensure_ascii=False))}"] if claims.window is not None else []
    return "\n".join([line, *named, *window])
