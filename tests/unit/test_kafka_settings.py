"""Variables of Kafka: what they give, and one line for each that cannot be used."""

from pathlib import Path

import pytest
import yaml

from launch import broker, roles
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.settings import ROOT, VARIABLES
from stringx_dataops.contract.variables import SettingsError

SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "a:1, [::1]:2,c"}
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "u"}


def test_nothing_is_named() -> None:
    assert kafka.read({}) is None


def test_the_defaults() -> None:
    found = kafka.read(SERVERS)
    assert found is not None
    assert found.bootstrap_servers == ["a:1", "[::1]:2", "c:9092"]
    assert (found.requests, found.results) == ("stringx.quality-check.requests", "stringx.quality-check.results")
    assert found.dead_letters == "stringx.quality-check.requests.dlq"
    assert found.security == {"security_protocol": "PLAINTEXT"}


def test_security_is_passed_through(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key", "password"):
        (tmp_path / name).write_text(f"{name}\n")
    found = kafka.read(
        SERVERS
        | SASL
        | {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password"),
            "KAFKA_SSL_CAFILE": str(tmp_path / "ca"),
            "KAFKA_SSL_CERTFILE": str(tmp_path / "cert"),
            "KAFKA_SSL_KEYFILE": str(tmp_path / "key"),
            "KAFKA_SSL_KEY_PASSWORD": "of the key",
        }
    )
    assert found is not None
    assert found.security == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "u",
        "sasl_plain_password": "password",
        "ssl_cafile": str(tmp_path / "ca"),
        "ssl_certfile": str(tmp_path / "cert"),
        "ssl_keyfile": str(tmp_path / "key"),
        "ssl_password": "of the key",
    }
    assert "password" not in repr(found)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": "http://a:9092"}, "KAFKA_BOOTSTRAP_SERVERS: 'http://a:9092' is no broker; give host:port"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "a:0"}, "'a:0' is no broker"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "a:70000"}, "'a:70000' is no broker"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "a:1,"}, "'' is no broker"),
        ({"KAFKA_TOPIC_PREFIX": "a b"}, "KAFKA_TOPIC_PREFIX is 'a b'; give letters"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL is 'TLS'; give one of PLAINTEXT, SSL"),
        (SASL | {"KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM is 'GSSAPI'; give one of PLAIN"),
        (SASL | {"KAFKA_SASL_MECHANISM": ""}, "KAFKA_SASL_MECHANISM is not set"),
        (SASL, "KAFKA_SASL_PASSWORD is not set"),
        (SASL | {"KAFKA_SASL_USERNAME": ""}, "KAFKA_SASL_USERNAME is not set"),
        ({"KAFKA_SASL_MECHANISM": "PLAIN"}, "KAFKA_SECURITY_PROTOCOL is PLAINTEXT; give SASL_SSL with it"),
        ({"KAFKA_SSL_CAFILE": "/nowhere/ca.pem"}, "KAFKA_SSL_CAFILE is '/nowhere/ca.pem', which cannot be read"),
        ({"KAFKA_SSL_CAFILE": "/dev/null"}, "KAFKA_SSL_CAFILE is set, and KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
        (SASL | {"KAFKA_SASL_PASSWORD_FILE": "/nowhere"}, "KAFKA_SASL_PASSWORD_FILE: cannot read /nowhere"),
    ],
)
def test_what_cannot_be_used_is_one_line(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        kafka.read(SERVERS | variables)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_compose_starts_every_role_with_variables_that_are_read() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = composed["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "dbt-data-ops:latest"}
    started = {service["command"][0] for service in ours.values()}
    assert started == set(roles.PUBLIC) - {"all"} | {"docs-refresh"}
    for service in ours.values():
        assert set(service["environment"]) <= set(VARIABLES)
        assert service["volumes"] == ["state:/var/lib/stringx"], "where the keys are"
    assert services["kafka"]["image"] == f"apache/kafka:{broker.VERSION}"
    assert (
        services["trigger"]["environment"]["KAFKA_BOOTSTRAP_SERVERS"]
        in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )
    assert set(composed["volumes"]) == {
        volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())
    }
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    for name, service in services.items():
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        assert name == "kafka" or (service["read_only"] is True and "/tmp:size=256m" in service["tmpfs"]), name
    assert "PASSWORD:-" not in (ROOT / "compose.yaml").read_text(), "a password has no default"
    pom = (ROOT / "launch" / "kafka-pom.xml").read_text()
    assert pom.count(f"<version>{broker.VERSION}</version>") == 2
