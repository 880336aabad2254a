"""The committed collection is made of this code's document, covers all of it, and asks for nothing by mistake."""

import json
import re
from collections import Counter
from datetime import datetime

import pytest
from collection import coverage, files, rendering, systematic
from collection.scenario import Scenario
from collection.systematic import TOO_LARGE
from jsonschema import Draft202012Validator, FormatChecker

from everpost.model.limits import BODY_BYTES_MAX

VARIABLE = re.compile(r"\{\{([\w$]+)\}\}")
INSTANT = "2030-01-31T09:00:00Z"
SAMPLES = {"routeVersion": "3", "defaultVersion": "3", "anHourAgo": INSTANT, "inAnHour": INSTANT}
FORMATS = FormatChecker(formats=())
SET_BEFORE = re.compile(r'pm\.(?:collectionV|v)ariables\.set\("(\w+)"')


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(value):
    return datetime.fromisoformat(value).tzinfo is not None


@pytest.fixture
def made(document):
    return files.texts(document)


def walk(items):
    for item in items:
        yield from walk(item["item"]) if "item" in item else [item]


def test_the_committed_files_are_those_of_this_code(made):
    stale = [name for name, text in made.items() if (files.FOLDER / name).read_text() != text]
    assert stale == [], "run make docs"


def test_every_documented_answer_is_provoked_or_left_out_for_a_reason(operations, scenarios):
    provoked = coverage.provoked(scenarios)
    statuses = {(row.operation, row.status) for row in provoked}
    missing = [
        row
        for row in coverage.documented(operations)
        if not coverage.excuse(row)
        and row not in provoked
        and (row.code or (row.operation, row.status) not in statuses)
    ]
    assert missing == []


def test_no_answer_is_left_out_that_is_provoked_or_not_documented(operations, scenarios):
    provoked, documented = coverage.provoked(scenarios), list(coverage.documented(operations))
    assert [row for row in provoked if coverage.excuse(row)] == []
    used = {(row.operation, row.code) for row in documented} | {(coverage.ANY, row.code) for row in documented}
    assert set(coverage.EXCEPTIONS) - used == set()


def test_every_tag_of_the_document_has_a_chapter(document, made):
    collection = json.loads(made["everpost.postman_collection.json"])
    assert {tag["name"] for tag in document["tags"]} <= {chapter["name"] for chapter in collection["item"]}


def test_requests_have_ids_and_names_of_their_own(made):
    items = list(walk(json.loads(made["everpost.postman_collection.json"])["item"]))
    assert [id_ for id_, count in Counter(item["id"] for item in items).items() if count > 1] == []
    by_folder = [
        Counter(item["name"] for item in walk(chapter["item"]))
        for chapter in json.loads(made["everpost.postman_collection.json"])["item"]
    ]
    assert [name for names in by_folder for name, count in names.items() if count > 1] == []


def test_a_variable_is_set_before_it_is_used(made):
    collection = json.loads(made["everpost.postman_collection.json"])
    known = set(rendering.ENVIRONMENT) | set(SET_BEFORE.findall(json.dumps(collection["event"]).replace('\\"', '"')))
    for item in walk(collection["item"]):
        assert set(VARIABLE.findall(json.dumps(item["request"]))) <= known, item["name"]
        known |= set(SET_BEFORE.findall(json.dumps(item["event"]).replace('\\"', '"')))


def filled(value):
    """With values for the variables."""
    text = VARIABLE.sub(lambda found: SAMPLES.get(found[1], "sample"), json.dumps(value))
    return json.loads(text)


def faults(scenario: Scenario, operation, document):
    """What of a request the document does not allow."""
    schemas = {"components": document["components"]}
    found = []
    if operation.example is not None:
        body = filled(scenario.body)
        found += [error.message for error in Draft202012Validator({**schemas, **operation.body}).iter_errors(body)]
    given = {**dict(scenario.query), **scenario.headers}
    known = {row["name"]: row["schema"] for row in operation.parameters}
    for name, schema in known.items():
        if name in given:
            value = filled(given[name])
            value = int(value) if schema.get("type") == "integer" and value.lstrip("-").isdecimal() else value
            found += [
                error.message for error in Draft202012Validator(schema, format_checker=FORMATS).iter_errors(value)
            ]
    return found + [f"{name} is not known" for name, _ in scenario.query if name not in known]


def test_requests_that_are_answered_well_are_as_documented(operations, scenarios, document):
    good = [each for each in scenarios if each.operation and not each.code]
    assert len(good) > len(operations)
    broken = {each.name: faults(each, operations[each.operation], document) for each in good}
    assert {name: found for name, found in broken.items() if found} == {}


def test_what_is_refused_by_the_document_alone_is_not_as_documented(operations, document):
    """Else the refusal would prove nothing of the document."""
    by_form = {"validation_failed", "bad_parameter", "bad_header"}
    refused = [each for row in operations.values() for each in systematic.scenarios(row) if each.code in by_form]
    assert len(refused) > len(operations)
    allowed = [each.name for each in refused if not faults(each, operations[each.operation], document)]
    assert allowed == []


def test_the_collection_has_no_secret_and_no_address_that_is_somebodys(made):
    text = "".join(made.values())
    domains = set(re.findall(r"@([\w.-]+\.[a-z]{2,})\b", text.lower()))
    assert {domain for domain in domains if not re.search(r"(^|\.)example\.(com|org|net)$", domain)} == set()
    assert [
        row["value"] for row in json.loads(made["local.postman_environment.json"])["values"] if row["type"] == "secret"
    ] == [""] * 4


def test_a_body_that_is_too_large_is_announced_larger_than_is_read():
    assert int(TOO_LARGE) > BODY_BYTES_MAX
