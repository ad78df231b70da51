"""The plot of a rule's points."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

from backend.dashboard.plots import Plot

END = datetime(2026, 3, 28, tzinfo=UTC)


def test_a_span_without_points_has_a_plot() -> None:
    svg = ET.fromstring(Plot("a", (), END - timedelta(days=1), END).svg())
    assert svg.findtext("desc") == "No values."
