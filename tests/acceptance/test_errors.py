"""Every refusal: the status, problem+json, each fault with its pointer, and nothing lost."""

import pytest

from tests.support.service import Service

CHECK = {"target": "nyc", "table": "public.airports"}
PATHS = {"dataops": "/api/v1/quality-checks", "backend": "/api/v1/requests"}


@pytest.fixture(params=["dataops", "backend"])
def post(request: pytest.FixtureRequest, service: Service):
    """Post to the endpoint of either service that takes a check."""
    url = getattr(service, request.param) + PATHS[request.param]
    return lambda **options: service.call("POST", url, **options)


def pointers(answer) -> set[str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert "\n" not in body["detail"]
    return {error["pointer"] for error in body.get("errors", [])}


def test_all_wrong_fields_are_told_at_once(post) -> None:
    answer = post(json={"target": "Nyc", "table": "airports", "mode": "soon", "kinds": ["x"], "wait_s": 1.5, "tabel": 1, "window": {"column": "a"}})  # fmt: skip
    assert answer.status_code == 422
    assert pointers(answer) == {"/target", "/table", "/mode", "/kinds/0", "/wait_s", "/tabel", "/window"}


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b'{"target": "nyc", "target": "x"}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b'{"wait_s": NaN}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"data": b"{}"}, 415),
        ({"data": b" " * (1024 * 1024 + 1), "headers": {"Content-Type": "application/json"}}, 413),
        ({"json": CHECK, "headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"json": CHECK, "headers": {"Authorization": ""}}, 401),
        ({"json": CHECK | {"table": "public.nowhere"}}, 404),
        ({"json": CHECK | {"target": "nowhere"}}, 404),
        ({"json": []}, 422),
        ({"json": CHECK | {"rule_ids": ["nope"]}}, 422),
        ({"json": CHECK | {"dimensions": ["timeliness"]}}, 422),
        ({"json": CHECK | {"request_id": "a\u0000b"}}, 422),
        ({"json": CHECK | {"request_id": "x" * 201}}, 422),
        ({"json": CHECK | {"callback_url": "http://169.254.169.254/"}}, 422),
        ({"json": CHECK | {"request_id": "a"}, "headers": {"Idempotency-Key": "b"}}, 422),
    ],
)
def test_a_refusal_is_a_problem(post, options: dict, status: int) -> None:
    answer = post(**options)
    assert answer.status_code == status, answer.text
    pointers(answer)


def test_a_used_request_id_with_another_body_is_a_conflict(post, request: pytest.FixtureRequest) -> None:
    name = f"once {request.node.name}"
    first = post(json=CHECK | {"request_id": name})
    again = post(json=CHECK | {"wait_s": 1}, headers={"Idempotency-Key": name})
    other = post(json=CHECK | {"request_id": name, "kinds": ["engineering"]})
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["request_id"] == name


@pytest.mark.parametrize("name", ["dataops", "backend"])
def test_only_health_documentation_images_of_badges_and_public_keys_need_no_key(service: Service, name: str) -> None:
    import requests

    base = getattr(service, name)
    for path in ("/healthz", "/readyz", "/readyz/self", "/openapi.json", "/docs", "/docs/js/swagger-ui-bundle.js"):
        assert requests.get(base + path, timeout=60).status_code == 200, path
    document = requests.get(f"{base}/openapi.json", timeout=60).json()
    tried = 0
    for path, operations in document["paths"].items():
        for method in operations:
            url = base + path.replace("{", "").replace("}", "")
            status = requests.request(method, url, timeout=60).status_code
            if path in (
                "/healthz",
                "/readyz",
                "/readyz/self",
                "/badges/{token}.svg",
                "/.well-known/jwks.json",
            ):  # whoever knows an image's address may see it
                assert status == (404 if "badges" in path else 200), (method, path)
            else:
                assert status == 401, (method, path)
                tried += 1
    assert tried >= 3
    assert "https://" not in requests.get(f"{base}/docs", timeout=60).text, "no content network"


def test_an_unknown_request_check_and_path_are_404(service: Service) -> None:
    for url in (
        f"{service.backend}/api/v1/requests/nowhere",
        f"{service.backend}/api/v1/gates/nyc/public.nowhere",
        f"{service.backend}/api/v1/tables/nyc/public.nowhere",
        f"{service.backend}/api/v1/targets/nowhere",
        f"{service.dataops}/api/v1/quality-checks/nowhere",
        f"{service.dataops}/api/v1/quality-checks/01890000-0000-7000-8000-000000000000",
        f"{service.dataops}/nowhere",
    ):
        answer = service.call("GET", url)
        assert answer.status_code == 404, url
        pointers(answer)
    wrong = service.call("DELETE", f"{service.dataops}/api/v1/quality-checks")
    assert wrong.status_code == 405
    pointers(wrong)


def test_a_posted_result_needs_a_signature(service: Service) -> None:
    answer = service.call("POST", f"{service.backend}/api/v1/requests/x/results", json={})
    assert answer.status_code == 401
    pointers(answer)
