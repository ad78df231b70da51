"""W3C trace context: what is read, what counts as absent, and what is passed on."""

import json
import os
import subprocess
import sys

import pytest

from stringx_dataops.contract import tracing_settings
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.contract.trace_context import TraceContext, of_headers, of_json, read

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (PARENT, PARENT),
        (f" {PARENT}\t", PARENT),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-ff", f"00-{TRACE}-{SPAN}-03"),  # flags that this version does not know
        (f"cc-{TRACE}-{SPAN}-01-what comes later", PARENT),
        (f"cc-{TRACE}-{SPAN}-01", PARENT),
        (f"cc-{TRACE}-{SPAN}-01.what", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"{PARENT}-more", None),
        (f"{PARENT},{PARENT}", None),
        (PARENT.upper(), None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE[:-1]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"cc-{TRACE}-{SPAN}-01-{'x' * 500}", None),
        ("00-٤bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", None),
        ("", None),
        (None, None),
    ],
)
def test_a_malformed_traceparent_counts_as_none(text: str | None, read_as: str | None) -> None:
    found = read(text)
    assert (found.traceparent if found else None) == read_as
    assert found is None or (len(found.traceparent) == 55 and found.trace_id == TRACE)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        (" a=1 ,, fw529a3039@dt=FfAb ", "a=1,fw529a3039@dt=FfAb"),
        (",".join(f"k{number}=v" for number in range(32)), ",".join(f"k{number}=v" for number in range(32))),
        (",".join(f"k{number}=v" for number in range(33)), None),
        ("a=1,a=2", None),
        ("A=1", None),
        ("a=", None),
        ("a=1=2", None),
        ("a=\n", None),
        (f"a={'x' * 511}", None),
        ("", None),
    ],
)
def test_a_malformed_tracestate_is_left_out_alone(text: str, read_as: str | None) -> None:
    assert read(PARENT, text) == TraceContext(PARENT, read_as)


def test_the_headers_of_a_kafka_message() -> None:
    state = [("tracestate", b"a=1"), ("tracestate", b"b=2")]
    assert of_headers([("Traceparent", PARENT.encode()), *state]) == TraceContext(PARENT, "a=1,b=2")
    assert of_headers([("traceparent", PARENT.encode())] * 2) is None
    assert of_headers([("traceparent", None), ("other", b"\xff")]) is None
    assert of_headers([("traceparent", b"\xff")]) is None


@pytest.mark.parametrize("more", [{}, {"tracestate": "a=1"}])
def test_the_context_of_a_result_as_text(more: dict[str, str]) -> None:
    looks_like_it = '"traceparent": "00-11111111111111111111111111111111-1111111111111111-01"}'
    text = json.dumps({"reason": looks_like_it, "rules": [{"message": looks_like_it}], "traceparent": PARENT} | more)
    assert of_json(text) == TraceContext(PARENT, more.get("tracestate"))
    assert of_json(json.dumps({"reason": looks_like_it})) is None


@pytest.mark.parametrize(
    ("variables", "is_on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_spans_are_sent_where_a_collector_is_named(variables: dict[str, str], is_on: bool) -> None:
    assert tracing_settings.is_on(variables) == is_on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:x"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name) as refused:
        tracing_settings.is_on({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", name: value})
    assert "\n" not in str(refused.value)


def started(*statements: str, **variables: str) -> str:
    """What a process says that starts tracing, and then does this."""
    program = "; ".join(["import sys", "from web import logs, tracing", "logs.configure()", *statements])
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | variables
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout + done.stderr


COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
START, SPAN = (
    "tracing.start('stringx-test')",
    f"s = tracing.span('a', parent=tracing.read('{PARENT}')).__enter__().context.traceparent",
)


def test_without_a_collector_nothing_of_opentelemetry_is_imported_and_the_context_goes_on() -> None:
    said = started(START, SPAN, "print(s, [name for name in sys.modules if name.startswith('opentelemetry')])")
    assert said == f"{PARENT} []\n"


def test_without_its_packages_one_line_says_what_to_install() -> None:
    said = started("sys.modules['opentelemetry.sdk.trace'] = None", START, SPAN, "print(s)", **COLLECTOR)
    passed_on, line = said.splitlines()
    assert json.loads(line)["message"].startswith("nothing is traced: opentelemetry.sdk.trace is not installed")
    assert passed_on == PARENT


def test_a_variable_that_cannot_be_used_is_one_line_and_no_end() -> None:
    said = started(START, SPAN, "print(s)", **COLLECTOR, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'" in said
    assert PARENT in said


def test_a_collector_that_is_away_holds_up_neither_spans_nor_the_end() -> None:
    """Many times more spans than may wait."""
    loop = "exec('for _ in range(5000):\\n with tracing.span(chr(97)): pass')"
    said = started(START, loop, "tracing.stop()", "print('ended')", **COLLECTOR)
    assert said.count("ended\n") == 1
    assert "Traceback" not in said
