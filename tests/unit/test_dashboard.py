"""deploy/grafana-dashboard.json asks for metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from source_tree import ROOT

metrics = pytest.importorskip("fastserve.metrics", reason="prometheus-client is not installed")

PAGE = ROOT / "deploy" / "grafana-dashboard.json"
if not PAGE.exists():
    pytest.skip("the sources are not here", allow_module_level=True)

DASHBOARD: dict[str, Any] = json.loads(PAGE.read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NAME = re.compile(r"\bfastserve_\w+")
#: Of where the numbers come from, which the monitoring system adds.
ADDED = {"job", "instance"}


def labels_of(name: str) -> set[str] | None:
    """The labels of a series; None if there is none of this name."""
    if name in metrics.FAMILIES:
        return set(metrics.FAMILIES[name])
    family = re.sub("_(bucket|sum|count)$", "", name)
    is_histogram = family != name and family in metrics.FAMILIES
    return ({"le"} if name.endswith("_bucket") else set()) if is_histogram else None


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_what_there_is(query: str) -> None:
    names = set(NAME.findall(query))
    assert names
    known = set(ADDED)
    for name in names:
        labels = labels_of(name)
        assert labels is not None, name
        known |= labels
    used = set(re.findall(r"(\w+)(?:=~|!=|!~|=)\"", query))
    for listed in re.findall(r"\bby \(([^)]*)\)", query):
        used |= {label.strip() for label in listed.split(",")}
    assert used <= known


def test_every_metric_has_a_panel() -> None:
    text = " ".join(QUERIES)
    missing = {
        name
        for name in metrics.FAMILIES
        if name not in text and name != "fastserve_websockets_total"  # what is open is shown
    }
    assert missing == set()


def test_legends_name_labels_of_their_query() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert f"by ({label})" in target["expr"]


def test_panels_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
