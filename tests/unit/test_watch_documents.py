"""Documents of schedules, channels and routes, the field `expected_by`, and cron expressions."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cronsim import CronSim, CronSimError

from stringx_dataops.cli.rules.checking import check
from stringx_dataops.cli.rules.documents import load
from stringx_dataops.cli.rules.paths import read_files
from stringx_dataops.contract.documents.channels import Digest, parse_channel
from stringx_dataops.contract.documents.cron import MAX_CRON, check_cron
from stringx_dataops.contract.documents.datasets import parse_dataset
from stringx_dataops.contract.documents.defaults import parse_defaults
from stringx_dataops.contract.documents.differences import difference
from stringx_dataops.contract.documents.effective import as_json, rules_hash
from stringx_dataops.contract.documents.merging import Layers, merged
from stringx_dataops.contract.documents.routes import parse_route
from stringx_dataops.contract.documents.schedules import parse_schedule
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.documents.yaml_writing import document_as_yaml
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.datasets import CATALOGUE
from tests.support.documents import plain_judge

HEAD = {"apiVersion": "stringx/v1"}
SCHEDULE = HEAD | {"kind": "Schedule", "name": "nightly", "target": "shop", "tables": ["public.*"], "cron": "0 6 * * *"}
CHANNEL = HEAD | {"kind": "Channel", "name": "team", "type": "apprise", "url_env": "NOTIFY_TEAM"}
ROUTE = HEAD | {"kind": "Route", "name": "all", "channel": "team"}
PARTS = [
    ("*", "*/15", "0", "5,35", "0-30/10", "59", "7/20", "10-10"),
    ("*", "*/2", "6", "0,12", "8-18", "23", "1-5/2"),
    ("*", "1", "L", "LW", "1-7", "31", "*/9", "29", "15,L"),
    ("*", "1", "FEB", "jan-mar", "2,4", "12", "*/3"),
    ("*", "MON-FRI", "0", "7", "SUN", "5L", "FRI#2", "mon#5", "1-5/2", "*/6", "6,MON#1"),
]
WRONG = [
    "",
    "60",
    "24",
    "32",
    "13",
    "8",
    "FEB-JAN",
    "x",
    "5-1",
    "*/0",
    "1-",
    "-1",
    "FRI#6",
    "L5",
    "1/",
    "٣",
    "1,,2",
    "MON#0",
    "1e1",
]


def faults(parse: Callable[[Any], Any], document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        parse(document)
    return [(error.pointer, error.message) for error in raised.value.errors]


def comes(expression: str) -> bool:
    """As cronsim says, of which the services ask when a schedule is due."""
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True


def takes(expression: str) -> bool:
    try:
        return check_cron(expression) == expression
    except ValueError:
        return False


def test_cron_expressions_are_those_that_the_services_read() -> None:
    draw = random.Random(20)
    tried = [" ".join(draw.choice(part) for part in PARTS) for _ in range(400)]
    tried += ["0 0 31 2 *", "0 0 30 2 *", "0 0 29 2 *", "0 0 LW * */6", "0 0 */9 2 MON#5", "0 0 29 2 MON#5", "0 0 31 4,6 */2"]
    for _ in range(300):
        parts = [draw.choice(part) for part in PARTS]
        parts[draw.randrange(5)] = draw.choice(WRONG)
        tried.append(" ".join(parts))
    found = [takes(expression) for expression in tried]
    assert found == [comes(expression) for expression in tried], [x for x in tried if takes(x) != comes(x)]
    assert 100 < sum(found) < len(tried) - 100


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 6 * *", "has 4 fields; write five fields such as 0 6 * * * (minute, hour, day of the month, month, day of the week)"),
        ("0 0 6 * * *", "has 6 fields; write five fields"),
        ("@daily", "is no cron expression of five fields"),
        ("0 25 * * *", "has '25' as hour; write 0 to 23, a range, a list, * or */2"),
        ("*/90 * * * *", "has '*/90' as minute; write 0 to 59, a range"),
        ("0 6 * * FRI-SUN", "has 'FRI-SUN' as day of the week; write 0 to 7 or SUN to SAT"),
        ("0 0 31 2 *", "never comes true: no month that it names has such a day"),
        ("0 6 * * *" + " " * MAX_CRON, f"must have at most {MAX_CRON} characters"),
    ],
)
def test_a_wrong_cron_expression_is_named_with_what_to_write(expression: str, message: str) -> None:
    ((pointer, found),) = faults(parse_schedule, SCHEDULE | {"cron": expression})
    assert pointer == "/cron"
    assert found.startswith(message)


def test_what_should_be_a_list_or_an_object_is_shown_with_how_it_is_written() -> None:
    assert faults(parse_route, ROUTE | {"on": "closed", "quiet": "22-07"}) == [
        ("/on", 'must be a list; write ["closed"]'),
        ("/quiet", 'must be an object, such as {from: "22:00", to: "07:00", timezone: Europe/Berlin}'),
    ]
    ((_, found),) = faults(parse_channel, CHANNEL | {"digest": "daily"})
    assert found == "must be 'weekly', or must be an object, such as {day: friday, time: \"16:00\", timezone: Europe/Berlin}"


def test_an_abbreviation_is_no_time_zone_and_not_taken_for_another_one() -> None:
    for zone in ("CEST", "MST8", "PST"):
        ((_, found),) = faults(parse_schedule, SCHEDULE | {"timezone": zone})
        assert found == "is no time zone; write an IANA name such as Europe/Berlin or UTC"


def test_every_fault_of_a_schedule_is_said_at_once() -> None:
    wrong = SCHEDULE | {"dataset": "sales", "timezone": "Europe/Berln", "window": {"last": "10s", "lag": "1"}, "colour": 1}
    assert faults(parse_schedule, wrong) == [
        ("/timezone", "is no time zone; did you mean Europe/Berlin?"),
        ("/window/last", "must lie between 1m and 3660d"),
        ("/window/lag", "is no duration; write a number and a unit, such as 30s, 5m, 24h or 7d"),
        ("/colour", "unknown field; did you mean column?"),
        ("/dataset", "is given besides tables; keep one of table, tables and dataset"),
    ]
    nothing = {name: value for name, value in SCHEDULE.items() if name != "tables"}
    assert faults(parse_schedule, nothing) == [
        ("/tables", 'is missing; say what is checked: table, tables (such as ["public.*"]) or dataset')
    ]
    assert faults(parse_schedule, nothing | {"table": "public.*"}) == [("/table", "is a pattern; write it in the list tables")]
    found = parse_schedule(SCHEDULE)
    assert (found.timezone, found.active, found.takes("public.a"), found.takes("own.a")) == ("UTC", True, True, False)


def test_an_address_stands_in_no_message_whatever_field_it_was_written_into() -> None:
    secret = "slack://tokenA/tokenB/tokenC"
    for field in (
        "url",
        "address",
        "token",
        "webhook",
        "url_env",
        "url_file",
        "secret_env",
        "secret_file",
        "type",
        "digest",
        "name",
    ):
        found = faults(parse_channel, CHANNEL | {field: secret})
        assert "tokenB" not in str(found), field
        assert found[0][0].startswith(f"/{field}"), found
    assert faults(parse_channel, CHANNEL | {"url": secret}) == [
        ("/url", "is never stored; put it into a variable or a secret file, and name that as url_env or url_file")
    ]


def test_a_channel_names_one_place_of_its_address() -> None:
    assert [place for place, _ in faults(parse_channel, CHANNEL | {"url_env": None})] == ["/url_env"]
    assert faults(parse_channel, CHANNEL | {"url_file": "notify_team"}) == [("/url_file", "is given besides url_env; keep one")]
    assert [place for place, _ in faults(parse_channel, CHANNEL | {"secret_env": "NOTIFY_S"})] == ["/secret_env"]
    assert [place for place, _ in faults(parse_channel, CHANNEL | {"url_env": "PATH"})] == ["/url_env"]
    assert [place for place, _ in faults(parse_channel, CHANNEL | {"url_env": None, "url_file": "../key"})] == ["/url_file"]
    assert parse_channel(CHANNEL | {"digest": "weekly"}).weekly == Digest(day="monday", time="08:00", timezone="UTC")
    assert parse_channel(CHANNEL).weekly is None
    assert [place for place, _ in faults(parse_channel, CHANNEL | {"digest": {"day": "Monday", "time": "8"}})] == [
        "/digest/day",
        "/digest/time",
    ]
    assert [place for place, _ in faults(parse_channel, CHANNEL | {"digest": "daily"})] == ["/digest"]


def test_what_a_route_names_must_all_fit() -> None:
    route = parse_route(ROUTE)
    assert (route.on, route.repeat_after_s, route.concerns("shop", "public.a", "", [])) == (
        ["closed", "opened", "missed"],
        86400,
        True,
    )
    route = parse_route(ROUTE | {"target": "shop", "tables": ["public.*", "sales"], "owner": "data", "tags": ["core", "gold"]})
    assert route.concerns("shop", "public.a", "data", ["gold"])
    assert route.concerns("shop", "sales", "data", ["x", "core"])
    for other in (
        ("vault", "public.a", "data", ["gold"]),
        ("shop", "own.a", "data", ["gold"]),
        ("shop", "public.a", "", ["gold"]),
    ):
        assert not route.concerns(*other), other
    assert not route.concerns("shop", "public.a", "data", ["x"])
    assert [place for place, _ in faults(parse_route, ROUTE | {"on": ["close"], "tags": [], "repeat_after": "4m"})] == [
        "/on/0", "/tags", "/repeat_after",
    ]  # fmt: skip
    assert faults(parse_route, ROUTE | {"on": ["closed", "closed"]}) == [("/on", "names closed twice; keep one")]
    assert [place for place, _ in faults(parse_route, ROUTE | {"quiet": {"from": "9:00", "to": "24:00"}})] == [
        "/quiet/from",
        "/quiet/to",
    ]
    assert [place for place, _ in faults(parse_route, ROUTE | {"quiet": {"from": "09:00", "to": "09:00"}})] == ["/quiet/to"]
    assert [place for place, _ in faults(parse_route, ROUTE | {"tables": ["public.${X}", "[", "a*"]})] == [
        "/tables/0",
        "/tables/1",
    ]


def test_yaml_is_written_in_the_usual_order_and_read_back() -> None:
    quiet = {"timezone": "UTC", "to": "07:00", "from": "22:00"}
    stored = {
        "kind": "Route",
        "name": "all",
        "quiet": quiet,
        "channel": "team",
        "apiVersion": "stringx/v1",
        "repeat_after": "off",
    }
    text = document_as_yaml(stored, CATALOGUE)
    assert [line.partition(":")[0] for line in text.splitlines()] == [
        "apiVersion", "kind", "name", "channel", "repeat_after", "quiet",
    ]  # fmt: skip
    assert "quiet: {from: '22:00', to: '07:00', timezone: UTC}" in text
    assert read_yaml(text.encode()) == [stored]


def test_yaml_reads_times_and_off_as_they_are_meant() -> None:
    text = b"on: [closed]\nrepeat_after: off\nquiet: {from: 22:00, to: 07:00}\n"
    (written,) = read_yaml(text)
    route = parse_route(ROUTE | written)
    assert route.repeat_after_s is None
    assert route.quiet is not None
    assert (route.quiet.begin.hour, route.quiet.end.hour) == (22, 7)
    assert as_json(route)["quiet"] == {"from": "22:00", "to": "07:00"}


def test_by_when_a_check_is_expected_comes_from_the_defaults_unless_the_table_says_otherwise() -> None:
    named = HEAD | {"target": "shop", "table": "public.a"}
    defaults = as_json(parse_defaults(HEAD | {"kind": "Defaults", "target": "shop", "expected_by": {"time": "06:30"}}))
    layers = Layers(defaults)

    def effective(**fields: Any) -> TableDocument:
        written = parse_table(named | fields, CATALOGUE, plain_judge)
        return TableDocument.model_validate(merged(as_json(written), layers))

    inherited, own, none = effective(), effective(expected_by={"time": "09:00", "grace": "30m"}), effective(expected_by=None)
    assert inherited.expected_by is not None
    assert own.expected_by is not None
    assert (inherited.expected_by.at.hour, own.expected_by.at.hour, own.expected_by.grace_s) == (6, 9, 1800)
    assert none.expected_by is None
    assert len({rules_hash(each, CATALOGUE) for each in (inherited, own, none)}) == 1, "it closes no gate"
    wrong = {"time": "6:30", "timezone": "Mars", "grace": "13h"}
    dataset = HEAD | {"kind": "Dataset", "name": "sales", "target": "shop", "tables": ["public.a"], "expected_by": wrong}
    assert [place for place, _ in faults(parse_dataset, dataset)] == [f"/expected_by/{name}" for name in wrong]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({}, {"expected_by": {"time": "06:30"}}, [("expected_by.time", "tightened")]),
        ({"expected_by": {"time": "06:30"}}, {}, [("expected_by.time", "loosened")]),
        ({"expected_by": {"time": "06:30"}}, {"expected_by": None}, [("expected_by", "loosened")]),
        ({"expected_by": {"time": "06:30"}}, {"expected_by": {"time": "07:00"}}, [("expected_by.time", "")]),
        (
            {"expected_by": {"time": "06:30", "grace": "1h"}},
            {"expected_by": {"time": "06:30", "grace": "30m"}},
            [("expected_by.grace", "tightened")],
        ),
        ({"kind": "Route", "tables": ["a"]}, {"kind": "Route", "tables": ["a", "b"]}, [("tables", "")]),
        ({"kind": "Schedule", "window": {"last": "1d"}}, {"kind": "Schedule", "window": {"last": "2d"}}, [("window.last", "")]),
    ],
)
def test_differences_say_what_they_do(before: dict[str, Any], now: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert [(field.name, field.effect) for field in difference(before, now).fields] == said


def test_the_examples_are_valid_and_what_they_name_elsewhere_is_noted() -> None:
    checked = check(load(read_files([str(ROOT / "examples" / "watching")]), fills_in=False), CATALOGUE, None)
    assert checked.faults == []
    assert {watch.kind for watch in checked.stream.watches.values()} == {"Schedule", "Channel", "Route"}
    assert checked.notes == ["not in the files, and looked up when they are applied: target nyc"]


def test_names_and_patterns_that_the_files_lack_are_noted(tmp_path: Any) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(
        "{apiVersion: stringx/v1, kind: Route, name: a, channel: c, target: shop, tables: [none*, 'public.*', sales]}\n---\n"
        "{apiVersion: stringx/v1, kind: Schedule, name: b, target: shop, table: public.z, cron: 0 6 * * *}\n---\n"
        "{apiVersion: stringx/v1, kind: Schedule, name: c, target: shop, dataset: d, cron: 0 6 * * *}\n---\n"
        "{apiVersion: stringx/v1, kind: Dataset, name: sales, target: shop, tables: [public.a]}\n---\n"
        "{apiVersion: stringx/v1, target: shop, table: public.a}\n---\n"
        "{apiVersion: stringx/v1, kind: Schedule, name: c, target: shop, dataset: d, cron: 0 6 * * *}\n"
    )
    checked = check(load(read_files([str(file)]), fills_in=False), CATALOGUE, None)
    assert [(fault.line, fault.message) for fault in checked.faults] == [
        (11, f"schedule c stands in {file}:5 too; keep one of the two")
    ]
    assert checked.notes == [
        "not in the files, and looked up when they are applied: target shop",
        "not in the files, and looked up when they are applied: channel c, dataset d, shop/public.z",
        "route a: none* matches nothing in the files",
    ]
