"""Runs a program as the security contexts of a pod and a container demand: a user without capabilities, who writes to volumes alone."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# The folders before `--` stay as they are, everything else on the file system of the root becomes read-only.
_MOUNTS = """
while [ "$1" != -- ]; do mount --bind "$1" "$1"; shift; done
shift
mount -o remount,bind,ro /
exec "$@"
"""


def is_possible() -> bool:
    """Only root may confine others."""
    return os.geteuid() == 0


def user(pod: Json) -> int:
    """Of confined processes: that of the security context, or this one where others cannot reach the interpreter."""
    python = Path(sys.executable).resolve()
    return int(pod["runAsUser"]) if all(folder.stat().st_mode & 0o001 for folder in python.parents) else os.geteuid()


def confined(command: list[str], pod: Json, container: Json, writable: Iterable[Path]) -> list[str]:
    """The command in mounts of its own, with `user` and the groups of the security context `pod`."""
    assert container == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    who = [f"--reuid={user(pod)}", f"--regid={pod['runAsGroup']}", f"--groups={pod['fsGroup']}"]
    bare = ["setpriv", *who, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *command]
    return ["unshare", "--mount", "--propagation=private", "sh", "-ec", _MOUNTS, "sh", *map(str, writable), "--", *bare]


def give(folder: Path, pod: Json) -> None:
    """What is in a volume belongs to the pod's group, as `fsGroup` demands."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, -1, pod["fsGroup"], follow_symlinks=False)
    folder.chmod(0o2775)
