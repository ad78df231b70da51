"""Writes supervisord's configuration: which processes run on this machine, and how each is stopped."""

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
    """One supervised process: `python -m launch NAME`. `once` means that it is not restarted after it has succeeded."""

    name: str
    stop_signal: str = "TERM"
    stop_seconds: int = STOP_SERVICES
    once: bool = False


def programs(settings: Settings, with_kafka: bool) -> list[Program]:
    """The programs in the order of their start: first what takes longest. PostgreSQL and Kafka are stopped after all others."""
    names = ["worker", "backend", "api", "docs", "docs-refresh", *(["trigger"] if settings.kafka_bootstrap_servers else [])]
    wanted = [Program(name) for name in names] + [Program("first-start", once=True)]
    if with_kafka:
        wanted.insert(0, Program("kafka", stop_seconds=STOP_SERVERS))
    if settings.database_url is None:
        wanted.insert(0, Program("postgres", stop_signal="INT", stop_seconds=STOP_SERVERS))
    return wanted


def write(settings: Settings, with_kafka: bool) -> Path:
    """Write the configuration file (mode 0600) and return its path.

    It takes paths from the variables in `environment`, because the file's syntax does not allow every character of a path.
    """
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
        "[group:services]",  # supervisord stops a whole group at once: this one before the servers, by priority
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
    """The environment variables that the configuration file refers to."""
    return {"LAUNCH_HOME": str(settings.home), "LAUNCH_PYTHON": shlex.quote(python)}


def _section(program: Program) -> list[str]:
    log = f"%(ENV_LAUNCH_HOME)s/logs/{program.name}.log"
    common = [
        "",
        f"[program:{program.name}]",
        f"command=%(ENV_LAUNCH_PYTHON)s -P -m launch {program.name}",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_seconds}",
        "stopasgroup=false",  # a master process stops its own children
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
        "startretries=1000000",  # restarted however long the cause of a failure lasts; the pause between tries grows
        "redirect_stderr=true",
        f"stdout_logfile={log}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]
