"""A real Kubernetes API server with its controllers and etcd, on loopback and without nodes: what it admits is admitted, and no pod runs.

The programs are built once, of the sources that the Go proxy serves; that takes some minutes of processor.
"""

import json
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support import certificates, chart
from tests.support.chart import KUBERNETES
from tests.support.databases import need
from tests.support.go_programs import go, kept
from tests.support.processes import eventually, free_port

PROGRAMS = ("kube-apiserver", "kube-controller-manager")
# Modules that live in Kubernetes' own repository; at v1.31.4 each is v0.31.4.
STAGING = [
    "api",
    "apiextensions-apiserver",
    "apimachinery",
    "apiserver",
    "cli-runtime",
    "client-go",
    "cloud-provider",
    "cluster-bootstrap",
    "code-generator",
    "component-base",
    "component-helpers",
    "controller-manager",
    "cri-api",
    "cri-client",
    "csi-translation-lib",
    "dynamic-resource-allocation",
    "endpointslice",
    "kms",
    "kube-aggregator",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "metrics",
    "mount-utils",
    "pod-security-admission",
    "sample-apiserver",
    "sample-cli-plugin",
    "sample-controller",
]
_NODE = "node"
CONTROLLERS = "deployment-controller,replicaset-controller,job-controller,serviceaccount-controller,endpointslice-controller,garbage-collector-controller,namespace-controller,disruption-controller,horizontal-pod-autoscaler-controller"


def programs(config: pytest.Config) -> Path:
    """The folder with both programs: that of the PATH, or one that is kept for the next run."""
    if all(shutil.which(program) for program in PROGRAMS):
        return Path(str(shutil.which(PROGRAMS[0]))).parent
    folder = kept(config, f"kubernetes-{KUBERNETES}")
    if all((folder / program).exists() for program in PROGRAMS):
        return folder
    minor = KUBERNETES.removeprefix("1.")
    replaced = "\n".join(f"k8s.io/{name} => k8s.io/{name} v0.{minor}" for name in STAGING)
    (folder / "go.mod").write_text(f"module k\ngo 1.22\nrequire k8s.io/kubernetes v{KUBERNETES}\nreplace (\n{replaced}\n)\n")
    packages = [f"k8s.io/kubernetes/cmd/{program}" for program in PROGRAMS]
    imports = "\n".join(f'_ "{package}"' for package in packages)
    (folder / "tools.go").write_text(f"//go:build tools\npackage k\nimport (\n{imports}\n)\n")
    go("mod", "tidy", folder=folder)
    version = f"-s -w -X k8s.io/component-base/version.gitVersion=v{KUBERNETES}"
    go("build", "-trimpath", f"-ldflags={version}", "-o", f"{folder}/", *packages, folder=folder)
    return folder


@contextmanager
def running(config: pytest.Config, folder: Path, namespace: str) -> Iterator["ApiServer"]:
    """A cluster with a namespace in which pods are ready as soon as they are there. Skips where a program is missing."""
    need("etcd", "apt-get install etcd-server")
    made = ApiServer(folder, programs(config))
    try:
        made.start()
        made.namespace(namespace)
        made.play_kubelet(namespace)
        yield made
    finally:
        made.end()


def helm_on(server: "ApiServer", *arguments: str, values: Any = None, check: bool = True) -> str:
    """What helm says, of a release in NAMESPACE."""
    done = chart.helm(*arguments, "--namespace", chart.NAMESPACE, values=values, check=check, **server.environment)
    return done.stdout + done.stderr


class ApiServer:
    """etcd, kube-apiserver and kube-controller-manager; `kubeconfig` is a file for helm."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.binaries = folder, binaries
        self.token = secrets.token_urlsafe(16)
        self.port = free_port()
        self.kubeconfig = folder / "kubeconfig"
        self._ends = threading.Event()
        self._pods = 0
        self._running: list[subprocess.Popen[bytes]] = []
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(folder / "certificates" / "apiserver.crt")  # its own, and of who signed it
        self._session.headers["Authorization"] = f"Bearer {self.token}"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        clients, peers = free_port(), free_port()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private, public = self.folder / "sa.key", self.folder / "sa.pub"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        (self.folder / "tokens").write_text(f'{self.token},admin,admin,"system:masters"\n')
        user = {"name": "admin", "user": {"token": self.token}}
        cluster = {"name": "here", "cluster": {"server": self.url, "insecure-skip-tls-verify": True}}
        context = {"name": "here", "context": {"cluster": "here", "user": "admin"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user], "contexts": [context]}
        self.kubeconfig.write_text(json.dumps(config | {"current-context": "here"}))
        self.kubeconfig.chmod(0o600)
        proxy = certificates.signed(self.folder / "proxy", "front-proxy")  # with which the API server calls those behind it
        etcd = f"http://127.0.0.1:{clients}"
        self.run(
            "etcd", f"--data-dir={self.folder / 'etcd'}", f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}", "--unsafe-no-fsync", "--log-level=warn",
        )  # fmt: skip
        eventually(lambda: requests.get(f"{etcd}/health", timeout=2).ok, 60, "etcd")
        self.run(
            str(self.binaries / "kube-apiserver"), f"--etcd-servers={etcd}", "--bind-address=127.0.0.1",
            f"--secure-port={self.port}", f"--cert-dir={self.folder / 'certificates'}", f"--token-auth-file={self.folder / 'tokens'}",
            "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={public}", f"--service-account-signing-key-file={private}",
            f"--requestheader-client-ca-file={proxy.authority}", f"--proxy-client-cert-file={proxy.certificate}",
            f"--proxy-client-key-file={proxy.key}", "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        )  # fmt: skip
        eventually(lambda: self._session.get(f"{self.url}/readyz", timeout=5).status_code == 200, 180, "the API server")
        self.run(
            str(self.binaries / "kube-controller-manager"), f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
            f"--service-account-private-key-file={private}", f"--controllers={CONTROLLERS}", f"--secure-port={free_port()}",
            "--bind-address=127.0.0.1", f"--cert-dir={self.folder / 'manager'}", "--horizontal-pod-autoscaler-sync-period=2s",
        )  # fmt: skip

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Until the cluster ends; what it prints is in `folder`."""
        with (self.folder / f"{Path(command[0]).name}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._running.append(process)
        return process

    def end(self) -> None:
        self._ends.set()
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(60)

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._session.request(method, f"{self.url}{path}", json=body, timeout=30)

    def items(self, path: str) -> list[dict[str, Any]]:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def play_kubelet(self, namespace: str) -> None:
        """In the background, for a node that is not there: every pod is ready as soon as it is there, what a Job has made has
        succeeded, and what is to end has ended."""
        assert self.call("POST", "/api/v1/nodes", {"metadata": {"name": _NODE}}).status_code == 201

        def play() -> None:
            path = f"/api/v1/namespaces/{namespace}/pods"
            while not self._ends.wait(0.5):
                for pod in self.call("GET", path).json().get("items", ()):
                    name = pod["metadata"]["name"]
                    own = f"{path}/{name}"
                    if "deletionTimestamp" in pod["metadata"]:
                        self.call("DELETE", f"{own}?gracePeriodSeconds=0")
                    elif not pod["status"].get("podIP"):
                        self._pods += 1
                        bound = {"metadata": {"name": name}, "target": {"kind": "Node", "name": _NODE}}
                        self.call("POST", f"{own}/binding", bound)
                        address = f"10.244.{self._pods // 250}.{self._pods % 250 + 1}"
                        self.patch(f"{own}/status", {"status": _status(pod, address)})

        threading.Thread(target=play, name="kubelet", daemon=True).start()

    def patch(self, path: str, body: Any) -> requests.Response:
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._session.patch(f"{self.url}{path}", json=body, headers=headers, timeout=30)

    def namespace(self, name: str) -> None:
        """A namespace in which Pod Security `restricted` is enforced, once pods can be made there."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}
        answer = self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        assert answer.status_code == 201, answer.text
        eventually(lambda: self.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default").ok, 60, "the default account")

    @property
    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder), "PATH": os.environ["PATH"]}


def _status(pod: dict[str, Any], address: str) -> dict[str, Any]:
    """What a kubelet would say of it when all has gone well."""
    names = [each["name"] for each in pod["spec"]["containers"]]
    if pod["metadata"]["labels"].get("app.kubernetes.io/component") == "migrate":
        done = {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "False", "reason": "PodCompleted"}]}
        return done | {"podIP": address, "podIPs": [{"ip": address}]}
    states = [{"name": name, "ready": True, "restartCount": 0, "image": "", "imageID": ""} for name in names]
    return {
        "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": states,
        "podIP": address, "podIPs": [{"ip": address}],
    }  # fmt: skip
