"""What the processes of an installation use, by role: time on the processor, memory, descriptors, threads."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.installation import Installation
from tests.support.processes import Process

_RELATION = re.compile(r"/(base|global|pg_tblspc)/")
POSTGRES = ("internal PostgreSQL", "target PostgreSQL")


@dataclass(frozen=True)
class Processes:
    """The processes of each role now; those of PostgreSQL with its sessions."""

    by_role: dict[str, list[psutil.Process]]

    @classmethod
    def of(cls, installation: Installation) -> "Processes":
        worker = installation["worker-1"]
        found = {
            "api": installation["api-1"].web_workers(),
            "backend": installation["backend-1"].web_workers(),
            "worker": [psutil.Process(worker.pid)],
            "dbt child": worker.dbt_children(),
            "dbt loader": loaders(worker),
        }
        for name, postgres in zip(POSTGRES, (installation.internal, installation.checked), strict=True):
            found[name] = [psutil.Process(postgres.process.pid), *postgres.process.family()]
        return cls(found)


def loaders(worker: Process) -> list[psutil.Process]:
    """What has loaded dbt and forks the children."""
    children = {child.pid for child in worker.dbt_children()}
    return [process for process in worker.dbt_processes() if process.pid not in children]


def cpu_seconds(installation: Installation) -> dict[str, float]:
    """Of each role since its start, of its processes that have ended too."""
    used = {role: sum(map(_cpu, processes)) for role, processes in Processes.of(installation).by_role.items()}
    used["dbt child"] = sum(_cpu_of_family(loader) for loader in loaders(installation["worker-1"]))
    for name, postgres in zip(POSTGRES, (installation.internal, installation.checked), strict=True):
        used[name] += _cpu_of_ended(psutil.Process(postgres.process.pid))
    times = psutil.Process().cpu_times()
    return used | {"clients": times.user + times.system}


def cpu_of_children(installation: Installation) -> dict[int, float]:
    """Of each dbt child, by its number."""
    return {child.pid: _cpu(child) for child in installation["worker-1"].dbt_children()}


def memory(installation: Installation) -> dict[str, dict[str, float]]:
    """MiB of each role: `pss` of all its processes together, where what is shared counts once, `rss` of the largest one. Of
    PostgreSQL without its shared buffers, which fill up to their size whatever it does."""
    return {role: _memory(found, shared=role not in POSTGRES) for role, found in Processes.of(installation).by_role.items()}


def descriptors(installation: Installation) -> dict[str, int]:
    """Without the files of relations: each process of PostgreSQL keeps those open that it has read, up to a thousand."""
    return {role: sum(map(_descriptors, found)) for role, found in Processes.of(installation).by_role.items()}


def threads(installation: Installation) -> dict[str, int]:
    return {role: sum(map(_threads, found)) for role, found in Processes.of(installation).by_role.items()}


def mappings(installation: Installation) -> dict[str, int]:
    """Entries of the memory map: a semaphore of POSIX is one."""
    found = Processes.of(installation).by_role
    return {role: sum(map(_mappings, processes)) for role, processes in found.items() if role not in POSTGRES}


def files(folder: Path) -> int:
    """Everything below a folder."""
    return sum(len(folders) + len(names) for _, folders, names in os.walk(folder))


def shared_memory() -> int:
    """Entries of /dev/shm: named semaphores, and PostgreSQL's segments."""
    return len(os.listdir("/dev/shm"))


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _cpu_of_ended(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.children_user + times.children_system)


def _cpu_of_family(process: psutil.Process) -> float:
    """Of all that it has forked: what runs, what has ended and was not asked for yet, and what was."""
    return sum(map(_cpu, process.children())) + _cpu_of_ended(process)


def _memory(processes: list[psutil.Process], shared: bool) -> dict[str, float]:
    pss, rss = [0], [0]
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue  # ended meanwhile
        kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        pss.append(kib["Pss"] if shared else kib["Pss"] - kib["Pss_Shmem"])
        rss.append(kib["Rss"] if shared else kib["Anonymous"])
    return {"pss": round(sum(pss) / 1024, 1), "rss": round(max(rss) / 1024, 1)}


def _descriptors(process: psutil.Process) -> int:
    folder = Path(f"/proc/{process.pid}/fd")
    found = 0
    try:
        for descriptor in folder.iterdir():
            try:
                found += _RELATION.search(os.readlink(descriptor)) is None
            except FileNotFoundError:  # closed meanwhile
                continue
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        pass
    return found


def _threads(process: psutil.Process) -> int:
    try:
        return int(process.num_threads())
    except psutil.NoSuchProcess:
        return 0


def _mappings(process: psutil.Process) -> int:
    try:
        return len(Path(f"/proc/{process.pid}/maps").read_text().splitlines())
    except OSError:
        return 0
