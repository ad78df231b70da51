"""`./start-service.sh --local --kafka`: samples over Kafka, and a pipeline that publishes only through an open gate."""

import os
import re
import subprocess

import psycopg2
import pytest

from launch import broker
from tests.support.service import Service

PIPELINE = "examples/write_audit_publish/pipeline.py"


@pytest.fixture
def kafka(service: Service) -> Service:
    if not service.options:
        try:
            broker.require_programs()
        except broker.BrokerError as error:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
    return service


def test_samples_for_the_demo_are_answered(kafka: Service) -> None:
    done = kafka.run("python", "sending_kafka_messages.py", "--wait", PYTHONWARNINGS="ignore")
    assert done.returncode == 1, done.stderr
    verdicts = dict(re.findall(r"^public\.(\w+): (\w+) ", done.stdout, re.MULTILINE))
    assert verdicts == {"flights": "fail", "weather": "warn", "planes": "warn", "airlines": "pass", "airports": "pass"}
    assert "dep_time_not_null: 8,255 of 336,776" in done.stdout
    listed = kafka.call("GET", f"{kafka.backend}/api/v1/requests").json()["items"]
    assert [item["source"] for item in listed[:5]] == ["kafka"] * 5


def published(service: Service) -> list[tuple[int, int]]:
    """Rows, and rows that are spoiled."""
    password, port = ((service.home / name).read_text().strip() for name in ("nyc-loader-password", "postgres-port"))
    connection = psycopg2.connect(f"postgresql://nyc_loader:{password}@127.0.0.1:{port}/nyc")
    try:
        with connection.cursor() as cursor:
            cursor.execute("select count(*), count(*) filter (where distance < 0) from public.flights_published")
            return [tuple(cursor.fetchone())]
    finally:
        connection.close()


def pipeline(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    servers = f"127.0.0.1:{service.environment['KAFKA_PORT']}"
    return service.run("python", PIPELINE, *arguments, KAFKA_BOOTSTRAP_SERVERS=servers, PYTHONWARNINGS="ignore")


def test_a_pipeline_publishes_only_through_an_open_gate(kafka: Service) -> None:
    assert kafka.run("dataops", "rules", "apply", "examples/write_audit_publish/rules.yml").returncode == 0
    done = pipeline(kafka)
    assert done.returncode == 0, done.stdout + done.stderr
    assert published(kafka) == [(894, 0)]
    for way in ("cli", "kafka"):
        spoiled = pipeline(kafka, "--day", "2013-01-16", "--spoil", "--by", way)
        assert spoiled.returncode == 1, spoiled.stdout + spoiled.stderr
        assert "not published" in spoiled.stdout
        assert published(kafka) == [(894, 0)]
    done = pipeline(kafka, "--day", "2013-01-16", "--by", "kafka")
    assert done.returncode == 0, done.stdout + done.stderr
    assert published(kafka) == [(894 + 901, 0)]
