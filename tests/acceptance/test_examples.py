"""What Swagger UI fills in: with it, "Try it out" works on the demo."""

from typing import Any

import pytest
import requests

from tests.support.service import Service

WITHOUT = {"/api/v1/targets/{name}"}  # their examples are of a target that the demo does not have

BETWEEN_SERVICES = {"/api/v1/quality-checks/batch", "/api/v1/results"}  # the other service writes their bodies, and signs results


def operations(service: Service, name: str) -> list[tuple[str, str, Any]]:
    """(method, path with its examples, example of a body) of each operation whose path is filled in."""
    document = requests.get(f"{getattr(service, name)}/openapi.json", timeout=60).json()
    found = []
    for path, methods in document["paths"].items():
        for method, item in methods.items():
            parts = {each["name"]: each.get("example") for each in item["parameters"] if each["in"] == "path"}
            is_for_people = path.startswith("/api/v1/") and path not in BETWEEN_SERVICES
            if is_for_people and None not in parts.values() and not (path in WITHOUT and method != "get"):
                media = item.get("requestBody", {}).get("content", {}).get("application/json", {})
                found.append((method.upper(), path.format(**parts), media.get("example")))
    return found


@pytest.mark.parametrize("name", ["dataops", "backend"])
def test_every_example_works_on_the_demo(service: Service, name: str) -> None:
    url, found = getattr(service, name), operations(service, name)
    before = service.call("GET", f"{service.backend}/api/v1/configuration").json()["items"]
    statuses = {}
    for wanted in ("PUT", "POST", "GET"):
        for method, path, body in found:
            if method == wanted:
                answer = service.call(method, url + path, **({"json": body} if body is not None else {}))
                statuses[method, path] = answer.status_code
    assert all(status in (200, 201, 202) for status in statuses.values()), statuses
    assert len(statuses) > (3 if name == "dataops" else 8)
    if name == "backend":
        kinds = ("datasets", "defaults", "rule-sets", "schedules", "routes", "channels")
        paths = [path for method, path in statuses if method == "PUT" and path.split("/")[3] in kinds]
        made = sorted(paths, key=lambda path: kinds.index(path.split("/")[3]))  # a channel goes after the routes that name it
        made += [
            f"/api/v1/waivers/{each['id']}" for each in service.call("GET", f"{url}/api/v1/waivers?state=active").json()["items"]
        ]
        made += [f"/api/v1/badges/{each['id']}" for each in service.call("GET", f"{url}/api/v1/badges").json()["items"]]
        made += [
            f"/api/v1/profiles/{each['profile_id']}" for each in service.call("GET", f"{url}/api/v1/profiles").json()["items"]
        ]
        made.append("/api/v1/keys/airflow")
        assert len(made) >= 5
        assert {service.call("DELETE", url + path).status_code for path in made} == {204}
        assert service.call("GET", f"{url}/api/v1/configuration").json()["items"] == before, "the examples are the demo's own"
