"""Addresses and signing secrets of channels: where their documents say they are, on this machine. No error quotes one."""

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from database.sending import NotSent
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.signatures import of_channel, read_secrets
from stringx_dataops.contract.variables import SettingsError, secret

LONGEST_ADDRESS = 10_000  # characters
_LONGEST_FILE = 8 * LONGEST_ADDRESS  # bytes that are read; a longer one holds no address


class Unusable(NotSent):
    """A channel's address or secret cannot be read; the text says which variable or file to mend."""


@dataclass(frozen=True)
class Secrets:
    """Where secrets of channels are: the folder of secret files, and the installation's signing secrets."""

    folder: Path
    signing: Sequence[str]
    environ: Mapping[str, str] | None = None

    def address(self, channel: ChannelDocument) -> str:
        """The address of a channel; Unusable if there is none."""
        text, source = self._read(channel.name, "url", channel.url_env, channel.url_file)
        if len(text) > LONGEST_ADDRESS or not text.isprintable():
            raise Unusable(
                f"{source} holds more than one line, or more than {LONGEST_ADDRESS:,} characters; put one address into it"
            )
        if channel.type == "webhook" and not _is_web_address(text):
            raise Unusable(f"{source} holds no address that begins with https:// or http://; put the receiver's into it")
        return text

    def place(self, channel: ChannelDocument) -> str:
        """The words for where a channel's address is."""
        return _place(channel.name, "url", channel.url_env, channel.url_file)

    def signing_secrets(self, channel: ChannelDocument) -> list[str]:
        """What the events of a webhook are signed with, a signature by each: its own secrets; or one that is derived for it, and
        the installation's, for receivers that have that one anyway."""
        if channel.secret_env is None and channel.secret_file is None:
            return [*(of_channel(each, channel.name) for each in self.signing), *self.signing]
        text, source = self._read(channel.name, "secret", channel.secret_env, channel.secret_file)
        try:
            return read_secrets(text)
        except ValueError as error:
            raise Unusable(f"{source} {error}") from error

    def _read(self, channel: str, what: str, variable: str | None, file: str | None) -> tuple[str, str]:
        """The text, and the words for where it is."""
        if variable is not None:
            source = _place(channel, what, variable, None)
            try:
                text = secret(variable, environ=self.environ)
            except SettingsError as error:
                raise Unusable(f"channel {channel}: {error}") from error
            if text is None or not text.strip():
                raise Unusable(f"{source} is not set where the Backend runs; set it and start the service again")
            return text.strip(), source
        assert file is not None  # as the document's model demands
        source = _place(channel, what, None, file)
        try:
            text = _text(self._path(channel, file)).strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise Unusable(f"{source} cannot be read ({why}); write it there (STRINGX_SECRETS)") from error
        if not text:
            raise Unusable(f"{source} is empty; write it there")
        return text, source

    def _path(self, channel: str, file: str) -> Path:
        """Inside the folder, whatever links lead to: no channel sends what serves a target."""
        root, path = Path(os.path.realpath(self.folder)), Path(os.path.realpath(self.folder / file))
        folders = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ("elsewhere",)
        if folders and not folders[0].startswith(".."):  # where Kubernetes keeps what the names of a mounted secret lead to
            raise Unusable(
                f"channel {channel}: {file!r} leads out of the secrets folder, or into one of its folders; put the file there"
            )
        return path


def _place(channel: str, what: str, variable: str | None, file: str | None) -> str:
    if variable is not None:
        return f"channel {channel}: the variable {variable} ({what}_env)"
    return f"channel {channel}: the {what}_file {file!r} in the secrets folder"


def _text(path: Path) -> str:
    """Of a file, not more than can be used; OSError for what is none, such as a pipe, which would be waited for."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a file")
    with path.open("rb") as file:
        return file.read(_LONGEST_FILE).decode()


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
