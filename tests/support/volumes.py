"""The volumes of a pod as folders: empty ones, and those with the keys of Secrets."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support import confinement
from tests.support.machine import Json

Secrets = Mapping[str, Mapping[str, bytes]]


def make(folder: Path, spec: Json, secrets: Secrets) -> dict[str, Path]:
    """A folder for each volume of a pod's specification, by its name."""
    made = {volume["name"]: _folder(folder / "volumes" / volume["name"], volume, secrets) for volume in spec.get("volumes", ())}
    if confinement.is_possible():
        for each in made.values():
            confinement.give(each, spec["securityContext"])
    return made


def _folder(path: Path, volume: Json, secrets: Secrets) -> Path:
    path.mkdir(parents=True)
    sources = []
    if "secret" in volume:
        sources = [volume["secret"]]
    elif "projected" in volume:
        sources = [dict(each["secret"], secretName=each["secret"]["name"]) for each in volume["projected"]["sources"]]
    else:
        assert "emptyDir" in volume, volume
    files: dict[str, bytes] = {}
    for source in sources:
        secret = secrets[source["secretName"]]
        items = source.get("items") or [{"key": key, "path": key} for key in secret]
        files |= {item["path"]: secret[item["key"]] for item in items}
    if sources:
        _write_as_a_kubelet_does(path, files)
    return path


def _write_as_a_kubelet_does(folder: Path, files: Mapping[str, bytes]) -> None:
    """Links to a folder that `..data` names, so that all files change at once."""
    stamp = f"..{time.strftime('%Y_%m_%d_%H_%M_%S')}.{os.urandom(4).hex()}"
    for name, content in files.items():
        file = folder / stamp / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o440)
    (folder / "..next").symlink_to(stamp)
    (folder / "..next").rename(folder / "..data")
    for name in {name.split("/")[0] for name in files}:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
