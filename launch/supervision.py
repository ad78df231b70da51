"""The configuration of supervisord: which processes run on one machine, and how each is stopped."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stringx_dataops.contract.settings import Settings

STOP_SERVICES, STOP_SERVERS = 31, 8  # seconds; together below the 40 that `docker stop` waits
SERVERS = ("postgres", "kafka")


@dataclass(frozen=True)
class Program:
    """One supervised process: `python -m launch NAME`."""

    name: str
    stop_signal: str = "TERM"
    stop_seconds: int = STOP_SERVICES
    once: bool = False


def programs(settings: Settings, with_kafka: bool) -> list[Program]:
    """In the order of their start; PostgreSQL and Kafka stop when all others have."""
    names = ["backend", "api", "worker", "docs", "docs-refresh", *(["trigger"] if settings.kafka_bootstrap_servers else [])]
    found = [Program(name) for name in names] + [Program("first-start", once=True)]
    if with_kafka:
        found.insert(0, Program("kafka", stop_seconds=STOP_SERVERS))
    if settings.database_url is None:
        found.insert(0, Program("postgres", stop_signal="INT", stop_seconds=STOP_SERVERS))
    return found


def write(settings: Settings, with_kafka: bool) -> Path:
    """The configuration file (mode 0600); paths stand in `environment` below, as the file's syntax takes not every one."""
    wanted = programs(settings, with_kafka)
    grouped = [program.name for program in wanted if program.name not in SERVERS]
    sections = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        "identifier=stringx",
        "minfds=256",
        "umask=077",
        *(["user=root"] if os.geteuid() == 0 else []),
        "logfile=%(ENV_LAUNCH_HOME)s/logs/supervisord.log",
        "logfile_maxbytes=10MB",
        "logfile_backups=3",
        "pidfile=%(ENV_LAUNCH_HOME)s/run/supervisord.pid",
        "childlogdir=%(ENV_LAUNCH_HOME)s/logs",
        *(line for program in wanted for line in _section(program)),
        "",
        "[group:services]",  # a group is stopped at once, and groups one after the other: this one before the servers
        f"programs={','.join(grouped)}",
        "priority=20",
        "",
    ]
    path = settings.home / "run" / "supervisord.conf"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join(sections), encoding="utf-8")
    return path


def environment(settings: Settings, python: str) -> Mapping[str, str]:
    """What the configuration refers to."""
    return {"LAUNCH_HOME": str(settings.home), "LAUNCH_PYTHON": shlex.quote(python)}


def _section(program: Program) -> list[str]:
    log = f"%(ENV_LAUNCH_HOME)s/logs/{program.name}.log"
    common = [
        "",
        f"[program:{program.name}]",
        f"command=%(ENV_LAUNCH_PYTHON)s -P -m launch {program.name}",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_seconds}",
        "stopasgroup=false",  # a master tells its own children
        "killasgroup=true",
        f"priority={10 if program.name in SERVERS else 20}",
    ]
    if program.once:
        return [
            *common,
            "autorestart=unexpected",
            "exitcodes=0",
            "startsecs=0",
            "stdout_logfile=/dev/fd/1",
            "stdout_logfile_maxbytes=0",
            f"stderr_logfile={log}",
            "stderr_logfile_maxbytes=10MB",
            "stderr_logfile_backups=3",
        ]
    return [
        *common,
        "autorestart=true",
        "startsecs=1",
        "startretries=1000000",  # it comes back however long the cause lasts; the pause between tries grows
        "redirect_stderr=true",
        f"stdout_logfile={log}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]
