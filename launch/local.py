"""`./start-service.sh --local`: checks, makes a virtual environment, installs packages, then becomes the supervisor (exec).

The system's Python runs this, so it uses only the standard library.
"""

import os
import sys

from launch import broker, preflight
from launch.broker import BrokerError
from launch.install import PYTHON, VENV, InstallError, install
from launch.preflight import PreflightError
from stringx_dataops.contract.settings import ROOT, read_settings
from stringx_dataops.contract.variables import SettingsError


def main() -> int:
    """Return the exit code if something is wrong; otherwise this process becomes `python -m launch all`."""
    try:
        settings = read_settings()
        with_kafka = "LAUNCH_KAFKA" in os.environ
        if with_kafka and settings.kafka_bootstrap_servers:
            raise SettingsError("--kafka starts a broker, and KAFKA_BOOTSTRAP_SERVERS names another one; keep one of the two")
        if with_kafka:
            broker.require_programs()
        descriptor = preflight.check(settings, os.environ)
        if line := preflight.runs_as_root(settings):
            print(line, flush=True)
        install(settings.home / "logs" / "install.log", extras=os.environ.get("LAUNCH_WITH", "").split())
        if with_kafka:
            broker.fetch(settings.home / "logs" / "install.log")
    except (SettingsError, InstallError, BrokerError) as error:
        print(f"start-service: {error}", file=sys.stderr)
        return 2
    except PreflightError as error:
        for line in error.args:
            print(f"start-service: {line}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"start-service: {VENV} cannot be made or used: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    environ = dict(os.environ, LAUNCH_LOCK=str(descriptor), PYTHONPATH=str(ROOT), PATH=f"{VENV / 'bin'}:{os.environ['PATH']}")
    environ.pop("PYTHONHOME", None)
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", "launch", "all"], environ)


if __name__ == "__main__":
    sys.exit(main())
