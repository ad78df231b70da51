"""Hostile texts through the running product: every answer is a result or a refusal, and nothing that it leaves behind tells a secret."""

import itertools
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
import requests

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.settings import ROOT
from tests.safety.canaries import VARIABLE, Canaries, files, rows
from tests.safety.judging import is_name, print_past_capture
from tests.safety.payloads import Payload, representative
from tests.support.fields import (
    DATASET,
    Field,
    fields_of_dataset,
    fields_of_request,
    fields_of_rule,
    fields_of_table,
    fields_of_target,
    good_rule,
)
from tests.support.service import Service, make_service

CATALOGUE = Catalogue.load(ROOT / "stringx")
PASSWORD = "TARGET_CANARY_PASSWORD"
SOME, ONE = representative(2), representative(1)
AT_ONCE = 40  # documents of a stream


@dataclass
class Asked:
    """A running service, and every answer that it gave."""

    service: Service
    canaries: Canaries
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)

    def call(self, method: str, url: str, **options: Any) -> requests.Response:
        """The answer: never an error of the service's own, and each refusal a problem in one line with pointers."""
        answer = self.service.call(method, url, **options)
        self.answers.append((f"{method} {url}", answer.content + str(dict(answer.headers)).encode()))
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, (method, url, options, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", (method, url, answer.text)
            problem = answer.json()
            assert problem["status"] == answer.status_code
            assert answer.status_code != 422 or problem["errors"], (method, url, problem)
        return answer

    def apply(self, documents: Sequence[Any]) -> list[Any]:
        """Send documents, leave out those that are refused, send the others again; those that were taken in."""
        url = f"{self.service.backend}/api/v1/configuration"
        left = list(documents)
        for _ in range(3):
            answer = self.call("POST", url, json=left)
            if answer.status_code == 200:
                return left
            faulty = {
                int(match.group(1))
                for error in answer.json().get("errors", [])
                if (match := re.match(r"/([0-9]+)(/|$)", error["pointer"]))
            }
            assert faulty, answer.text
            left = [document for number, document in enumerate(left) if number not in faulty]
            if not left:
                return []
        raise AssertionError(answer.text)


@pytest.fixture(scope="module")
def asked(canaries: Canaries, internal_url_of_module: str) -> Iterator[Asked]:
    service = make_service(
        STRINGX_DATABASE_URL=internal_url_of_module, STRINGX_DEMO="0", WORKER_CONCURRENCY="2",
        **{PASSWORD: canaries.target.password, VARIABLE: canaries.secret},
    )  # fmt: skip
    parent, service.home = service.home, service.home / "state"
    try:
        service.start()
        yield Asked(service, canaries)
    finally:
        code, left = service.stop()
        shutil.rmtree(parent, ignore_errors=True)
    assert (code, left) == (0, [])


def target(canaries: Canaries, name: str = "shop") -> dict[str, Any]:
    return canaries.target.document(name, password_file=None, password_env=PASSWORD)


def holding(item: Field, payload: Payload, **changes: Any) -> dict[str, Any] | None:
    """The document; None where JSON in UTF-8 has no form for it."""
    found: dict[str, Any] = {**item.base, **changes}
    found = Field(item.name, found, item.path, item.wrap).holding(payload.text)
    return found if _is_text(json.dumps(found, ensure_ascii=False)) else None


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


@pytest.mark.timeout(1200)
def test_the_product_takes_no_text_for_more_than_its_letters(
    asked: Asked, canaries: Canaries, internal_url_of_module: str, request: pytest.FixtureRequest
) -> None:
    service = asked.service
    began = time.monotonic()
    assert asked.apply([target(canaries)])
    for step in (_rules, _tables_and_datasets, _targets, _requests, _paths, _wait_for_the_end):
        step(asked)
    for path in ("/", "/shop/", "/shop/manifest.json", "/shop/catalog.json"):
        answer = requests.get(service.docs + path, timeout=30)
        assert answer.status_code == 200, path
        asked.answers.append((path, answer.content))
    for url in (f"{service.backend}/api/v1/configuration", f"{service.backend}/api/v1/requests", f"{service.dataops}/metrics"):
        asked.answers.append((url, service.call("GET", url).content))
    _logs(asked)
    canaries.require_unchanged()
    kept = [service.home / name for name in ("api-key", "service-key", "signing-secret", "secrets")]
    looked = canaries.require_unsaid(
        [*asked.answers, *files(service.home, but=kept), *rows(internal_url_of_module), ("output", service.output)]
    )
    assert looked > 1000
    told = ", ".join(f"{count} {name}" for name, count in sorted(asked.tried.items()))
    print_past_capture(
        request,
        f"hostile texts through the service in {time.monotonic() - began:.0f} s: {told}; answers {dict(sorted(asked.statuses.items()))}; {looked} looked at",
    )


def _rules(asked: Asked) -> None:
    """Every field of every rule type, a table for each type; each is checked with what is left of it. A field holds half of the texts,
    the next one the other half: in test_engine.py every text meets every field of its form."""
    documents, halves = [], itertools.cycle((ONE[::2], ONE[1::2]))
    for place, rule_type in enumerate(CATALOGUE):
        name = f"of_{rule_type.name}"
        asked.canaries.target.execute(f"create table {name} (id integer, c text); insert into {name} values (1, 'x'), (2, null)")
        good = good_rule(rule_type, "c", f"public.{name}")
        fields = [
            item for item in fields_of_rule(rule_type, good) if item.path[0] in ("arguments", "column", "where") or place % 8 == 0
        ]
        texts = [(item, payload) for item in fields for payload in next(halves)]
        found = [holding(item, payload) for item, payload in texts]
        rules = [
            rule | ({"id": f"r{n}"} if item.path != ("id",) else {})
            for n, ((item, _), rule) in enumerate(zip(texts, found, strict=True))
            if rule is not None
        ]
        asked.tried["in rules"] += len(rules)
        documents.append({"apiVersion": "stringx/v1", "target": "shop", "table": f"public.{name}", "key": ["id"], "rules": rules})
    for document in documents:
        for _ in range(2):  # what no database can hold is told first
            answer = asked.call("POST", f"{asked.service.backend}/api/v1/configuration", json=[document])
            assert answer.status_code == 422
            faulty = {
                error["pointer"].split("/")[3] for error in answer.json()["errors"] if error["pointer"].startswith("/0/rules/")
            }
            document["rules"] = [rule for n, rule in enumerate(document["rules"]) if str(n) not in faulty]
    documents = [document for document in documents if document["rules"]]
    for document in documents:
        assert asked.apply([document]), asked.answers[-1]
    for document in documents:
        url, body = f"{asked.service.backend}/api/v1/requests", {"target": "shop", "table": document["table"], "mode": "sync"}
        answer = asked.call("POST", url, json=body)
        assert answer.status_code == 200, answer.text
        check = answer.json()["checks"][0]
        assert check["status"] == "succeeded", check["reason"]
        assert len(check["rules"]) == len(document["rules"])


def _tables_and_datasets(asked: Asked) -> None:
    documents = []
    for item in (*fields_of_table(), *fields_of_dataset()):
        for number, payload in enumerate(ONE):
            own = {"table": f"public.t{number}"} if item.base is not DATASET and item.path != ("table",) else {}
            if (document := holding(item, payload, **own)) is not None:
                documents.append(document)
    asked.tried["in tables and datasets"] += len(documents)
    taken = [
        document
        for start in range(0, len(documents), AT_ONCE)
        for document in _distinct(asked, documents[start : start + AT_ONCE])
    ]
    assert taken


def _distinct(asked: Asked, documents: Sequence[dict[str, Any]]) -> list[Any]:
    """A stream may name a table once."""
    once = {str(document.get("table", document.get("name"))) + str(document.get("kind")): document for document in documents}
    return asked.apply(list(once.values()))


def _targets(asked: Asked) -> None:
    for item in fields_of_target():
        for payload in ONE:
            if (document := holding(item, payload, **target(asked.canaries, "odd"))) is not None:
                asked.call("PUT", f"{asked.service.backend}/api/v1/targets/odd", json=document)
                asked.tried["in targets"] += 1
    url = f"{asked.service.backend}/api/v1/targets/odd"
    table = {
        "apiVersion": "stringx/v1",
        "target": "odd",
        "table": "public.of_unique",
        "rules": [{"id": "a", "type": "row_count", "arguments": {"min": 0}}],
    }
    for changes in (
        {"dbname": "{{ env_var('STRINGX_TARGET_CANARY') }}"}, {"dbname": "x host=127.0.0.1 password=y"}, {"dbname": "postgresql://evil.invalid/x"},
        {"user": "{{ target.password }}"}, {"user": "' or ''='"}, {"sslrootcert": "/etc/passwd", "sslmode": "verify-ca"},
        {"password_env": None, "password_file": "missing"},
    ):  # fmt: skip
        answer = asked.call(
            "PUT",
            url,
            json={name: value for name, value in (target(asked.canaries, "odd") | changes).items() if value is not None},
        )
        assert answer.status_code in (200, 201), answer.text
        asked.apply([table])
        answer = asked.call(
            "POST",
            f"{asked.service.backend}/api/v1/requests",
            json={"target": "odd", "table": "public.of_unique", "mode": "sync"},
        )
        assert (answer.json()["status"], answer.json()["verdict"]) == ("errored", "error"), answer.text
        assert "\n" not in answer.json()["reason"]
        asked.tried["targets that were tried"] += 1
    asked.call("DELETE", f"{asked.service.backend}/api/v1/tables/odd/public.of_unique")


def _requests(asked: Asked) -> None:
    urls = (f"{asked.service.backend}/api/v1/requests", f"{asked.service.dataops}/api/v1/quality-checks")
    base = {"target": "shop", "table": "public.of_unique", "mode": "async"}
    for item in fields_of_request():
        for number, payload in enumerate(ONE):
            document = holding(item, payload, **({"table": "public.of_unique"} if "table" in item.base else {}))
            if document is None:
                continue
            for url in urls if item.path == ("request_id",) else (urls[number % 2],):
                asked.call("POST", url, json=document)
                asked.tried["in requests"] += 1
    for payload in ONE:
        if re.fullmatch(r"[!-~]([ -~]*[!-~])?", payload.text) and len(payload.text) < 4000:  # what a header can hold
            for url in urls:
                asked.call("POST", url, json=base, headers={"Idempotency-Key": payload.text})
                asked.tried["in headers"] += 1
            asked.service.call("POST", urls[0], json=base, headers={"Content-Type": payload.text})
            answer = requests.post(urls[0], json=base, headers={"Authorization": f"Bearer {payload.text}"}, timeout=30)
            assert answer.status_code == 401


def _paths(asked: Asked) -> None:
    backend, dataops, docs = asked.service.backend, asked.service.dataops, asked.service.docs
    for payload in SOME:
        if not _is_text(payload.text) or len(payload.text) > 4000:
            continue
        text = quote(payload.text, safe="")
        for url in (
            f"{backend}/api/v1/targets/{text}", f"{backend}/api/v1/tables/shop/{text}", f"{backend}/api/v1/tables/shop/public.{text}",
            f"{backend}/api/v1/tables/{text}/public.x/versions", f"{backend}/api/v1/gates/shop/public.{text}", f"{backend}/api/v1/gates/{text}/public.x",
            f"{backend}/api/v1/gates/shop/public.of_unique?request_id={text}", f"{backend}/api/v1/gates/shop/public.of_unique?not_before={text}",
            f"{backend}/api/v1/datasets/{text}", f"{backend}/api/v1/requests/{text}", f"{backend}/api/v1/requests?table={text}",
            f"{backend}/api/v1/requests?verdict={text}&status={text}", f"{backend}/api/v1/requests?cursor={text}",
            f"{dataops}/api/v1/quality-checks/{text}", f"{dataops}/api/v1/quality-checks/{text}?wait={text}", f"{dataops}/{text}",
        ):  # fmt: skip
            asked.call("GET", url)
            asked.tried["in paths and queries"] += 1
        for path in (f"/{text}", f"/{text}/", f"/shop/{text}", f"/shop/../{text}"):
            answer = requests.get(docs + path, timeout=30)
            assert answer.status_code in (200, 308, 404), (path, answer.status_code)
            asked.answers.append((path, answer.content))
            asked.tried["in paths of the portal"] += 1
        if is_name(payload.text):
            asked.call("DELETE", f"{backend}/api/v1/tables/shop/public.{text}")


def _wait_for_the_end(asked: Asked) -> None:
    """Until no request is under way, and the portal of the target is there."""
    until = time.monotonic() + 120
    while asked.service.call("GET", f"{asked.service.backend}/api/v1/requests?status=queued").json()["items"]:
        assert time.monotonic() < until, asked.service.logs()
        time.sleep(0.5)
    asked.service.portal("shop")


def _logs(asked: Asked) -> None:
    """Each line of the services' logs is one record of theirs: no text has made one."""
    for path in (asked.service.home / "logs").glob("*.log"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            assert not line.startswith(("level=error forged", '{"level": "error", "message": "forged"}', "ready http://evil")), (
                path,
                line,
            )
            if line.startswith("{"):
                assert json.loads(line).keys() >= {"time", "level", "logger", "message"}, (path, line)
