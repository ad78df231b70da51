"""A Kafka broker on this machine: one node that is both broker and controller. Maven fetches Apache Kafka's jars once.

The system's Python prepares it, so this uses only the standard library.
"""

import base64
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from string import Template

from launch.errors import StartError
from launch.install import VENV
from stringx_dataops.contract.settings import ROOT

VERSION = "4.1.1"
JARS = VENV / f"kafka-{VERSION}"
_POM = ROOT / "launch" / "kafka-pom.xml"
_JAVA = 17
_PROPERTIES = Template("""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$data
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
""")


class BrokerError(StartError):
    """The broker cannot be fetched or started; the text is one line that names the fix."""


def require_programs() -> None:
    """Raise BrokerError if Java or Maven is missing, or if Java is too old."""
    java = shutil.which("java")
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version[1]) < _JAVA:
        reason = f"Java {version[1]} is too old" if version else "there is no Java"
        raise BrokerError(f"{reason}: a Kafka broker needs {_JAVA} or newer (Debian, Ubuntu: apt install default-jre-headless)")
    if not JARS.exists() and shutil.which("mvn") is None:
        raise BrokerError("there is no Maven, which fetches the Kafka broker (Debian, Ubuntu: apt install maven)")


def fetch(log: Path) -> None:
    """Download the jars into the virtual environment, unless they are there. Raises BrokerError; Maven's output goes to `log`."""
    if JARS.exists():
        return
    print(f"fetching Apache Kafka {VERSION} (about 120 MB, once)", flush=True)
    partial = JARS.with_name(f".{JARS.name}.{uuid.uuid4().hex[:8]}")
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    with log.open("ab") as file:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("[ERROR]")]
        raise BrokerError(f"Maven could not fetch Kafka: {lines[0] if lines else 'no word why'} (all of it in {log})")
    try:
        partial.rename(JARS)
    except OSError:  # another process was first
        shutil.rmtree(partial)


def prepare(home: Path, port: int, others: Mapping[str, str] | None = None) -> None:
    """Write the broker's properties, with `others` overriding the defaults, and format its storage once. Raises BrokerError."""
    folder = home / "kafka"
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    text = _PROPERTIES.substitute(port=port, controller=port + 1, data=data)
    for name, value in (others or {}).items():
        text = re.sub(rf"^{re.escape(name)}=.*\n", "", text, flags=re.MULTILINE) + f"{name}={value}\n"
    (folder / "server.properties").write_text(text, encoding="utf-8")
    if (data / "meta.properties").exists():
        return
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    form = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(folder / "server.properties")]
    done = subprocess.run([*_java(), *form], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BrokerError(f"Kafka's storage cannot be made in {data}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


def command(home: Path) -> list[str]:
    """The command line that runs the broker in the foreground; SIGTERM stops it. Raises BrokerError without Java."""
    return [*_java("-Xms256m", "-Xmx512m"), "kafka.Kafka", str(home / "kafka" / "server.properties")]


def _java(*options: str) -> list[str]:
    program = shutil.which("java")
    if program is None:
        raise BrokerError("there is no Java (Debian, Ubuntu: apt install default-jre-headless)")
    return [program, *options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{JARS}/*"]
