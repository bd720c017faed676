"""The Grafana dashboard asks Prometheus for what there is, in words that it understands."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "omniloket.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] == "timeseries"]
MANUAL = re.findall(r"^\| `(omniloket_\w+)` \|([^|]*)\|", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE)
LABELS = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in MANUAL}
"""The labels of each figure: the manual has all figures, as test_metrics.py finds out."""

OF_A_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
FROM_PROMETHEUS = {"instance", "le"}


def asked(panel: dict[str, Any]) -> list[str]:
    """What a panel asks for, with the dashboard's variables filled in as Grafana does."""
    variables = {"$instance": ".*", "$__rate_interval": "1m"}
    found: list[str] = []
    for target in panel["targets"]:
        text = target["expr"]
        for name, value in variables.items():
            text = text.replace(name, value)
        found.append(text)
    return found


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_asks_for_figures_and_labels_that_there_are(panel: dict[str, Any]) -> None:
    for text in asked(panel):
        assert "$" not in text
        promql_parser.parse(text)
        names = set(re.findall(r"\b((?:omniloket|process)_\w+)\{", text))
        assert names
        for name in names:
            figure = name if name in LABELS else re.sub(r"_(bucket|count|sum)$", "", name)
            assert figure in LABELS or figure in OF_A_PROCESS
        groups = {label for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")}
        matched = set(re.findall(r"(\w+)=~?\"", text))
        known = set().union(*(LABELS.get(re.sub(r"_(bucket|count|sum)$", "", name), set()) for name in names))
        assert groups | matched <= known | FROM_PROMETHEUS


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"


def test_every_figure_has_a_panel_but_those_that_others_show() -> None:
    text = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    without = {name for name in LABELS if f"{name}" not in text}
    # Which version answers is for whoever asks, and no course over time.
    assert without == {
        "omniloket_build_info",
        "omniloket_source_idle",
        "omniloket_documents",
        "omniloket_registered_documents",
    }


def test_panels_have_places_of_their_own() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for one, other in combinations(places, 2):
        apart = any(
            first[start] + first[size] <= second[start]
            for start, size in (("x", "w"), ("y", "h"))
            for first, second in ((one, other), (other, one))
        )
        assert apart
    assert all(place["x"] + place["w"] <= 24 for place in places)


def test_the_picture_is_of_this_dashboard() -> None:
    drawn = (ROOT / "docs" / "images" / "dashboard.svg").read_text()
    assert re.findall(r'font-weight="bold">([^<]*)<', drawn) == [panel["title"] for panel in PANELS]
