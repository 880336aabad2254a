"""The plots stand on their own, on light pages and on dark ones."""

from xml.etree import ElementTree as ET

import pytest

from plot import LEAST, Chart, svg

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart(
    "Mails <a second>", "more & better", {"Everpost": 1000.4, "Tom & Jerry": 250.0, "None": 0.0}, "Everpost", 1
)


def bars(chart):
    root = ET.fromstring(svg(chart))
    return [rect for rect in root.iter(f"{SVG}rect") if rect.get("class", "").startswith("bar")]


def test_a_bar_is_as_long_as_its_share_of_the_greatest():
    first, second, third = (float(rect.get("width")) for rect in bars(CHART))
    assert second / first == pytest.approx(250 / 1000.4, rel=0.01)
    assert third == LEAST  # nothing is still something to see


def test_our_bar_stands_out():
    assert [rect.get("class") for rect in bars(CHART)] == ["bar ours", "bar", "bar"]


def test_the_figures_and_names_are_told():
    texts = [text.text for text in ET.fromstring(svg(CHART)).iter(f"{SVG}text")]
    assert texts == ["Mails <a second>", "more & better", "Everpost", "1,000.4", "Tom & Jerry", "250.0", "None", "0.0"]


def test_nothing_reaches_out_of_the_picture():
    root = ET.fromstring(svg(CHART))
    width, height = map(float, root.get("viewBox").split()[2:])
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x", 0)) + float(rect.get("width")) <= width
        assert float(rect.get("y", 0)) + float(rect.get("height")) <= height


def test_it_knows_dark_pages_and_loads_nothing():
    text = svg(CHART)
    assert "prefers-color-scheme: dark" in text
    assert [word for word in ("href", "url(", "@font-face", "<script", "@import") if word in text] == []


def test_bars_that_are_all_zero_are_drawn():
    assert [float(rect.get("width")) for rect in bars(Chart("t", "n", {"a": 0, "b": 0}, "a"))] == [LEAST, LEAST]
