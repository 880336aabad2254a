"""The page asks for nothing but what the API has, and holds to what its headers allow."""

import json
import re

import pytest

from deploy.terraform import CONFIGURATION, ROOT

PAGE = CONFIGURATION / "page"
HTML, SCRIPT = (PAGE / "index.html").read_text(), (PAGE / "page.js").read_text()


def test_it_calls_operations_that_there_are():
    paths = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text())["paths"]
    called = re.findall(r'call\("([A-Z]+)", "([^"]+)"', SCRIPT)
    assert len(called) == 2
    assert [(method, path) for method, path in called if method.lower() not in paths.get(path, {})] == []


def test_its_elements_are_those_that_the_script_looks_for():
    looked_for = set(re.findall(r'(?:byId|onSubmit)\("(\w+)"', SCRIPT))
    assert looked_for == set(re.findall(r'id="(\w+)"', HTML))


@pytest.mark.parametrize("forbidden", ["<style", "style=", "onclick", "onsubmit", "javascript:", "http:", "https:"])
def test_nothing_in_it_needs_more_than_its_policy_of_content(forbidden):
    assert forbidden not in HTML
    assert re.findall(r"<script(?! src=)", HTML) == []


def test_what_the_api_says_is_text_and_never_markup():
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage|cookie", SCRIPT) == []
    )
