"""A person's own database: a second, password-protected PostgreSQL, and everything that goes wrong on the way to it."""

import pytest
import yaml

from database import embedded
from tests.support.databases import Admin, Target, make_target
from tests.support.service import Service, free_ports


@pytest.fixture(scope="module")
def shop(service: Service, admin: Admin) -> Target:
    """Another cluster than the service's, with a table of orders; its password is known to the service by file."""
    made = make_target(admin, service.home / "secrets")
    made.execute("create table orders (order_id integer, price numeric); insert into orders values (1, 5), (2, 6), (2, null)")
    return made


def put(service: Service, target: Target, name: str, **changes) -> None:
    answer = service.call("PUT", f"{service.backend}/api/v1/targets/{name}", json=target.document(name, **changes))
    assert answer.status_code in (200, 201), answer.text
    document = {"rules": [{"id": "order_id", "type": "unique", "column": "order_id"}, {"id": "price", "type": "not_null", "column": "price", "fail_above": "50%"}]}  # fmt: skip
    answer = service.call("PUT", f"{service.backend}/api/v1/tables/{name}/public.orders", json=document)
    assert answer.status_code in (200, 201), answer.text


def test_a_second_database_is_gated_with_a_secret_file(service: Service, shop: Target) -> None:
    put(service, shop, "shop")
    result = service.check("public.orders", "shop")["checks"][0]
    assert {rule["id"]: (rule["status"], rule["failures"]) for rule in result["rules"]} == {
        "order_id": ("fail", 1),
        "price": ("pass", 1),
    }
    assert service.gate("public.orders", "shop")["gate"] == "closed"
    shop.execute("delete from orders where price is null")
    assert service.check("public.orders", "shop")["verdict"] == "pass"
    assert service.gate("public.orders", "shop")["gate"] == "open"


def test_a_second_database_is_gated_with_a_variable(service: Service, shop: Target, admin: Admin) -> None:
    embedded.create(admin.cluster, shop.user, service.environment["TARGET_SHOP_PASSWORD"])
    try:
        put(service, shop, "shop-env", password_file=None, password_env="TARGET_SHOP_PASSWORD")
        assert service.check("public.orders", "shop-env")["status"] == "succeeded"
    finally:
        embedded.create(admin.cluster, shop.user, shop.password)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password_file": "wrong"}, "wrong password"),
        ({"password_file": "nowhere"}, "password_file"),
        ({"password_file": None, "password_env": "TARGET_NOT_SET"}, "TARGET_NOT_SET"),
        ({"sslmode": "require"}, "no TLS"),
        ({"port": free_ports(1)[0]}, "nothing listens"),
        ({"dbname": "nowhere"}, "no such database"),
        ({"host": "nowhere.invalid"}, "no such host"),
    ],
)
def test_a_connection_that_fails_is_one_line_that_names_the_fix(
    service: Service, shop: Target, changes: dict, words: str
) -> None:
    (service.home / "secrets" / "wrong").write_text("not it")
    put(service, shop, "broken", **changes)
    found = service.check("public.orders", "broken")
    assert (found["status"], found["verdict"]) == ("errored", "error")
    assert words in found["reason"], found["reason"]
    assert "\n" not in found["reason"]
    gate = service.gate("public.orders", "broken")
    assert gate["gate"] == "closed"
    assert any(words in reason for reason in gate["reasons"])


def test_a_lost_column_is_an_error_of_its_rule_alone(service: Service, shop: Target) -> None:
    put(service, shop, "shop")
    document = {
        "rules": [
            {"id": "gone", "type": "not_null", "column": "no_such"},
            {"id": "there", "type": "not_null", "column": "order_id"},
        ]
    }
    service.call("PUT", f"{service.backend}/api/v1/tables/shop/public.orders", json=document)
    assert "the rules have changed" in " ".join(service.gate("public.orders", "shop")["reasons"])
    result = service.check("public.orders", "shop")["checks"][0]
    assert {rule["id"]: rule["status"] for rule in result["rules"]} == {"gone": "error", "there": "pass"}
    assert result["verdict"] == "error"
    assert 'column "no_such" does not exist' in result["rules"][0]["message"]


def test_documents_have_versions_and_etags(service: Service, shop: Target) -> None:
    put(service, shop, "versioned")
    url = f"{service.backend}/api/v1/tables/versioned/public.orders"
    first = service.call("GET", url)
    assert first.headers["ETag"] == '"1"'
    same = service.call("PUT", url, json=first.json())
    changed = service.call("PUT", url, json=first.json() | {"owner": "me"}, headers={"If-Match": '"1"'})
    late = service.call("PUT", url, json=first.json(), headers={"If-Match": '"1"'})
    assert (same.headers["ETag"], changed.headers["ETag"], late.status_code) == ('"1"', '"2"', 412)
    assert [item["version"] for item in service.call("GET", f"{url}/versions").json()["items"]] == [2, 1]
    kept = service.call("DELETE", f"{service.backend}/api/v1/targets/versioned")
    assert kept.status_code == 409, "a target with tables stays"
    assert service.call("DELETE", url).status_code == 204
    assert service.call("GET", url).status_code == 404
    assert service.call("DELETE", f"{service.backend}/api/v1/targets/versioned").status_code == 204


def test_a_stream_of_documents_is_applied_whole_or_not_at_all(service: Service, shop: Target) -> None:
    target = shop.document("stream")
    table = {
        "apiVersion": "stringx/v1",
        "target": "stream",
        "table": "public.orders",
        "rules": [{"id": "a", "type": "not_null", "column": "price"}],
    }
    url = f"{service.backend}/api/v1/configuration"

    def apply(*documents: dict, **query: str):
        body = yaml.safe_dump_all(documents)
        return service.call("POST", url, data=body, params=query, headers={"Content-Type": "application/yaml"})

    bad = apply(target, table, table | {"table": "public.other", "rules": [{"id": "a", "type": "not_nul", "column": "x"}]})
    assert bad.status_code == 422
    assert [error["pointer"] for error in bad.json()["errors"]] == ["/2/rules/0/type"]
    assert "did you mean not_null?" in bad.json()["detail"]
    assert service.call("GET", f"{service.backend}/api/v1/targets/stream").status_code == 404
    assert apply(target, table, dry_run="true").json()["changes"][0]["change"] == "created"
    assert service.call("GET", f"{service.backend}/api/v1/targets/stream").status_code == 404
    assert apply(target, table).status_code == 200
    assert [change["change"] for change in apply(target, table).json()["changes"]] == ["unchanged", "unchanged"]
