"""Values of environment variables: one reader for each kind, and secrets, also from the file that `NAME_FILE` names.

Each raises a `SettingsError`, whose text is shown to the user. Only the standard library is imported here, because settings are
read before anything is installed.
"""

import ipaddress
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from stringx_dataops.contract import database_addresses

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """A variable is missing or wrong; the text is one line that names it and the fix."""


def secret(name: str, default: Path | None = None, environ: Mapping[str, str] | None = None) -> str | None:
    """The secret in the variable NAME, in the file that NAME_FILE names, or in the file `default`; None if there is none.

    Raises SettingsError if both variables are set, or the file is empty or cannot be read.
    """
    env = os.environ if environ is None else environ
    value, file = env.get(name), env.get(f"{name}_FILE")
    if value and file:
        raise SettingsError(f"{name} and {name}_FILE are both set; keep one")
    if value:
        return value
    path = Path(file) if file else default
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        if file is None and isinstance(error, FileNotFoundError | NotADirectoryError):
            return None
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise SettingsError(f"{name}_FILE: cannot read {path} ({reason}); point it at a readable file") from error
    if not text:
        raise SettingsError(f"{name}: the file {path} is empty; write the secret into it")
    return text


def write_secret(path: Path, value: str) -> None:
    """Write a new file of mode 0600 atomically; an existing file stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.touch(mode=stat.S_IRUSR | stat.S_IWUSR, exist_ok=True)
    partial.write_text(value + "\n", encoding="utf-8")
    try:
        os.link(partial, path)  # atomic, and fails if another process was first
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def path(env: Mapping[str, str], name: str, default: Path) -> Path:
    """An absolute path; `~` is the user's home."""
    try:
        return Path(env.get(name) or default).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f"{name} is {env.get(name)!r}, and there is no such user; give an absolute path") from error


def folders(env: Mapping[str, str], name: str) -> tuple[Path, ...]:
    """Folders, separated by colons. None if the variable is not set."""
    folders = [part for part in (env.get(name) or "").split(os.pathsep) if part]
    for folder in folders:
        if not folder.startswith("/") or ".." in Path(folder).parts or Path(folder) == Path("/"):
            raise SettingsError(
                f"{name} holds {folder[:200]!r}; give absolute paths of folders, separated by colons: /data:/lake"
            )
    return tuple(Path(folder) for folder in folders)


def number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number between two bounds."""
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
        raise SettingsError(f"{name} is {text[:40]!r}; give a whole number from {low} to {high}")
    return int(text)


def switch(env: Mapping[str, str], name: str, default: bool) -> bool:
    """Whether it is 1 or true."""
    text = (env.get(name) or ("1" if default else "0")).lower()
    if text not in ("0", "1", "true", "false"):
        raise SettingsError(f"{name} is {text!r}; give 1 or 0")
    return text in ("1", "true")


def address(env: Mapping[str, str], name: str, default: str) -> str:
    """An address of HTTP, without a slash at its end."""
    text = (env.get(name) or default).rstrip("/")
    if not _is_address(text):
        raise SettingsError(f"{name} is {text!r}; give an address such as http://127.0.0.1:5001")
    return text


def hosts(env: Mapping[str, str], name: str) -> frozenset[str]:
    """Names of hosts, separated by commas: in lower case, without ports."""
    hosts = set()
    for text in filter(None, (part.strip() for part in (env.get(name) or "").split(","))):
        try:
            parts = urlsplit(f"//{text}")
            is_host = parts.netloc == text and parts.port is None and parts.username is None
        except ValueError:
            is_host = False
        if not is_host or parts.hostname is None or "*" in text:
            raise SettingsError(f"{name} holds {text[:40]!r}; give names without ports, such as checks.example.org, dataops")
        hosts.add(parts.hostname.removesuffix("."))
    return frozenset(hosts)


def networks(env: Mapping[str, str], name: str) -> Iterator[Network]:
    """Networks, separated by commas; none that holds every address: nothing would be known of anybody."""
    for text in filter(None, (part.strip() for part in (env.get(name) or "").split(","))):
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            network = None
        if network is None or network.prefixlen == 0:
            raise SettingsError(f"{name} holds {text[:40]!r}; give networks such as 10.0.0.0/8, 192.0.2.7, 2001:db8::/32")
        yield network


def database_address(env: Mapping[str, str], name: str) -> str | None:
    """An address of a PostgreSQL, from the variable or from the file that NAME_FILE names."""
    text = secret(name, environ=env)
    if text is not None and not database_addresses.is_database_address(text):
        raise SettingsError(f"{name}: {database_addresses.FORM}")
    return text


def _is_address(text: str) -> bool:
    """Whether the text is an address of HTTP, with a valid port if any."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
