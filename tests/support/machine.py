"""What pods on this machine have in common: Secrets, the code of each image, and Services that lead to pods that are ready."""

import base64
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from tests.support.pods import Pod

Json = dict[str, Any]


@dataclass
class Machine:
    """What all pods have in common: the code of each image, Secrets, and Services by their names in a cluster."""

    folder: Path
    images: dict[str, Path]
    secrets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    services: dict[str, Proxy] = field(default_factory=dict)  # by `name:port`
    pods: list["Pod"] = field(default_factory=list)
    failed_at: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, manifests: list[Json]) -> None:
        """Secrets and Services. A Secret that is immutable stays as it was."""
        for each in manifests:
            name = each["metadata"]["name"]
            if each["kind"] == "Secret" and not (each.get("immutable") and name in self.secrets):
                self.secrets[name] = {key: base64.b64decode(value) for key, value in each["data"].items()}
            if each["kind"] == "Service":
                self.services.setdefault(f"{name}:{each['spec']['ports'][0]['port']}", Proxy([]))

    def addressed(self, text: str) -> str:
        """The addresses of Services in a value of a variable, as they are here."""
        for name, proxy in self.services.items():
            text = text.replace(f"http://{name}", proxy.url)
        return text

    def of_role(self, role: str) -> list["Pod"]:
        with self.lock:
            return [pod for pod in self.pods if pod.role == role]

    def balance(self) -> None:
        """Services lead to the pods that are ready."""
        with self.lock:
            for name, proxy in self.services.items():
                role = name.partition(":")[0].rsplit("-", 1)[1]
                proxy.upstreams = [pod.port for pod in self.pods if pod.role == role and pod.is_ready and pod.port]

    def end(self) -> None:
        left = list(self.pods)
        for pod in left:
            pod.kill()
        for pod in left:
            pod.join(60)
            pod.kill()  # what it started meanwhile
        for proxy in self.services.values():
            proxy.close()
