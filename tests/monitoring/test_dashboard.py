"""The dashboard asks for what a server shows, and can be imported as it stands."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from promql_kit import faults, grouping, names, samples

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deploy" / "grafana" / "everpost.json").read_text()
BOARD = json.loads(TEXT)
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
PROGRAM = "import sys; sys.path.insert(0, 'tools'); from pages import dashboard; print(dashboard.text(), end='')"
COLUMNS = 24


def asked(target):
    """Its expression, with something in place of Grafana's variables."""
    return target["expr"].replace("$__rate_interval", "5m").replace("$account", ".*")


def test_the_committed_file_is_that_of_this_code():
    made = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout == TEXT, "run make docs"


@pytest.mark.parametrize(("title", "target"), TARGETS)
def test_what_a_panel_asks_for_is_what_a_server_shows(title, target):
    assert faults(asked(target)) == []


@pytest.mark.parametrize(("title", "target"), TARGETS)
def test_series_are_named_by_labels_that_they_have(title, target):
    named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    assert named == grouping(asked(target)) - {"le"}


def test_every_figure_of_ours_is_on_it():
    shown = set().union(*(names(asked(target)) for _, target in TARGETS))
    known = samples()
    families = {known[name].family for name in shown}
    assert {each.family for each in known.values() if each.family.startswith("everpost_")} <= families


def test_variables_are_those_that_are_declared():
    declared = {variable["name"] for variable in BOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", TEXT))
    assert used == declared


def test_panels_stand_beside_each_other_within_the_grid():
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)
