"""DuckDB behind the interface of all engines. Its queries run in the dbt process itself."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from api.engine.profile import PASSWORD_VARIABLE, SESSION_VARIABLE
from api.targets.duckdb import errors, files
from api.targets.engine import Machine, RefusedCharacter, RefusedLock, TargetUnusable
from stringx_dataops.contract.documents.engines.duckdb import MEMORY, DuckdbTarget
from stringx_dataops.contract.settings import ROOT

# What DuckDB quotes may be a value of a row; what stands after the first line is the statement.
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_NAMED = re.compile(r"""((?:column|table|schema|function|view|type|catalog)s? (?:with name )?)("[^"]*"|'[^']*')""", re.IGNORECASE)
_LATER_PARTS = re.compile(r"\n|\s(?:LINE \d+|Candidate bindings|Possible solutions|Did you mean)\b")


@dataclass(frozen=True)
class DuckdbEngine:
    """See `Engine` for what each method returns."""

    target: DuckdbTarget

    @property
    def yield_after_s(self) -> float | None:
        """Never: nobody waits for locks of a check."""
        return None

    @property
    def outlives_process(self) -> bool:
        """No: they run in that process."""
        return False

    def environment(self, machine: Machine, application_name: str) -> dict[str, str]:
        """Variables of the profile. The files are looked up each time."""
        _require_installed(self.target)
        reads = files.find(self.target, machine)
        return {
            "STRINGX_TARGET_PATH": reads.database,
            "STRINGX_TARGET_ACCESS_MODE": "automatic" if reads.database == MEMORY else "read_only",
            "STRINGX_TARGET_MEMORY_LIMIT": f"{min(_megabytes(self.target.memory_limit), _most_megabytes())}MB",
            "STRINGX_TARGET_THREADS": str(min(self.target.threads, os.cpu_count() or 1)),
            "STRINGX_TARGET_TEMP_DIRECTORY": str(machine.scratch / "spill"),
            "STRINGX_TARGET_READS": reads.described(),
            "STRINGX_TARGET_MODULES": str(ROOT),  # where dbt finds the plugins that the profile names
            SESSION_VARIABLE: application_name,
        } | ({PASSWORD_VARIABLE: reads.secret} if reads.secret is not None else {})

    def sessions(self, environment: Mapping[str, str]) -> None:
        """None, as DuckDB has no server."""
        return

    def explain(self, message: str) -> str | None:
        """By the words of DuckDB and of dbt."""
        return errors.explain(self.target, message)

    def may_pass(self, message: str) -> bool:
        """By the same words."""
        return errors.may_pass(message)

    def refused_lock(self, message: str) -> RefusedLock | None:
        """None: there are no locks of tables."""
        return None

    def refused_character(self, message: str) -> RefusedCharacter | None:
        """None: everything is UTF-8."""
        return None

    def without_values(self, message: str) -> str:
        """The first line of an error, in which only quoted names are left."""
        line = _LATER_PARTS.split(message.strip())[0]
        names: list[str] = []

        def keep(match: re.Match[str]) -> str:
            names.append(match[2])
            return f"{match[1]}\0"

        hidden = _QUOTED.sub('"…"', _NAMED.sub(keep, line.replace("\0", "")))
        return re.sub("\0", lambda _: names.pop(0), hidden)


def _megabytes(text: str) -> int:
    return int(text[:-2]) * (1000 if text.endswith("GB") else 1)


def _most_megabytes() -> int:
    """Half of the machine's memory."""
    return max(100, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2_000_000)


def _require_installed(target: DuckdbTarget) -> None:
    """What reads objects is imported by the process of a check alone."""
    for package in ("dbt-duckdb", *(["fsspec"] if target.s3 is not None else [])):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError as error:
            raise TargetUnusable(f"target {target.name}: {errors.install(package)}") from error
