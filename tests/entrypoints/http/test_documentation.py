import base64
import hashlib
import re
from html.parser import HTMLParser

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from everpost.dialects.legacy import VERDICTS
from everpost.entrypoints.http.app import all_operations, build_app
from everpost.entrypoints.http.dropins import DROPINS
from everpost.entrypoints.http.problems import CODES
from everpost.entrypoints.http.unsubscribing import UNSUBSCRIPTIONS
from everpost.model.key import Caller as KeyOwner
from everpost.model.key import Scope
from http_kit import NATIVE, ORIGINAL, Caller


@pytest.fixture
async def document(call):
    return (await call("GET", "/openapi.json")).json


async def test_the_document_is_valid_openapi(document):
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["openapi"] == "3.1.0"


async def test_every_route_is_documented_and_every_documented_path_is_routed(document, services):
    app = build_app(services)
    doors = {operation.path for operation in (*DROPINS, *UNSUBSCRIPTIONS)}  # for SDKs, and for people who read mail
    routed = {path.replace(":path", "") for path in app.paths - doors}
    assert routed == set(document["paths"])
    for path, methods in document["paths"].items():
        answer = await Caller(app)("BREW", path.replace("{", "").replace("}", ""))
        allowed = set(answer.headers["allow"].lower().split(", ")) - {"head"}
        assert allowed == set(methods), path


async def test_the_page_begins_with_links_to_all_of_its_operations_and_every_link_within_it_leads_somewhere(
    call, document
):
    page = (await call("GET", "/docs")).body.decode()
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r' href="#([^"]+)"', page)) <= set(ids)
    contents = page.partition("<ul>")[2].partition("</ul>")[0]
    operations = {row["operationId"] for methods in document["paths"].values() for row in methods.values()}
    assert set(re.findall(r' href="#([^"]+)"', contents)) == operations | {"types", "problems"}


async def test_operation_ids_are_single(services):
    ids = [operation.id for operation in all_operations(services)]
    assert len(ids) == len(set(ids))


def test_every_code_that_an_operation_names_is_explained(services):
    named = {code for operation in all_operations(services) for code in operation.problems}
    assert named <= set(CODES)


async def test_the_document_tells_the_scope_that_a_key_needs(document, services):
    described = {row["operationId"]: row for methods in document["paths"].values() for row in methods.values()}
    for operation in all_operations(services):
        roles = [roles for way in described[operation.id]["security"] for roles in way.values()]
        assert roles == ([[operation.scope]] * 2 if operation.scope else []), operation.id


async def test_a_key_that_is_forbidden_something_is_told_of_only_where_there_is_one(document, services):
    described = {row["operationId"]: row for methods in document["paths"].values() for row in methods.values()}
    for operation in all_operations(services):
        every_key_may = operation.scope is None or all(key_of(scope).may(operation.scope) for scope in Scope)
        told = described[operation.id]["responses"].get("403", {"description": ""})["description"]
        assert ("`forbidden`" in told) is not every_key_may, operation.id


@pytest.mark.parametrize("verdict", [verdict for verdict in VERDICTS.values() if verdict.code], ids=str)
async def test_every_code_of_a_mail_that_is_not_sent_is_told_with_its_status(document, verdict):
    response = document["paths"]["/sendEmail"]["post"]["responses"][str(verdict.http_status)]
    assert f"`{verdict.code}`:" in response["description"]


@pytest.mark.parametrize(("path", "body"), [("/v1/emails", NATIVE), ("/sendEmail", ORIGINAL)])
async def test_the_headers_of_an_answer_are_told_and_those_that_are_always_there_as_required(
    call, document, path, body
):
    first = await call("POST", path, body, {"idempotency-key": "k", "prefer": "wait=5"})
    again = await call("POST", path, body, {"idempotency-key": "k", "prefer": "wait=5"})
    told = document["paths"][path]["post"]["responses"][str(first.status)]["headers"]
    always = {name.lower() for name, header in told.items() if header["required"]}
    assert always <= first.headers.keys()
    assert always <= again.headers.keys()
    assert again.headers.keys() - first.headers.keys() == {"idempotency-replayed"}
    assert told["Idempotency-Replayed"]["required"] is False


def key_of(scope):
    return KeyOwner(project="default", who="key", scope=scope)


async def test_real_answers_are_what_the_document_promises(call, document):
    mail = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    calls = [
        ("/v1/emails", "post", mail),
        ("/v1/emails", "post", await call("POST", "/v1/emails", NATIVE)),
        ("/v1/emails", "post", await call("POST", "/v1/emails", {})),
        ("/v1/emails", "get", await call("GET", "/v1/emails")),
        ("/v1/emails/{id}", "get", await call("GET", f"/v1/emails/{mail.json['id']}")),
        ("/v1/events", "get", await call("GET", "/v1/events")),
        ("/v1/accounts", "get", await call("GET", "/v1/accounts")),
        ("/v1/routes", "get", await call("GET", "/v1/routes")),
        ("/v1/routes/{name}", "get", await call("GET", "/v1/routes/default")),
        ("/v1/inbox", "get", await call("GET", "/v1/inbox")),
        ("/v1/suppressions/{address}", "put", await call("PUT", "/v1/suppressions/bob@example.net")),
        ("/sendEmail", "post", await call("POST", "/sendEmail", ORIGINAL)),
        ("/sendEmail", "post", await call("POST", "/sendEmail", {})),
        ("/getEmailProvider", "get", await call("GET", "/getEmailProvider")),
        ("/healthz", "get", await call("GET", "/healthz")),
    ]
    broken = []
    for path, method, answer in calls:
        described = document["paths"][path][method]["responses"][str(answer.status)]
        schema = described["content"][answer.headers["content-type"]]["schema"]
        strict = {"components": _closed(document["components"])} | schema
        broken += jsonschema.Draft202012Validator(strict).iter_errors(answer.json)
    assert broken == []


def _closed(components):
    """The same types, but without room for fields that are not documented."""
    schemas = {
        name: schema | ({"additionalProperties": False} if "properties" in schema else {})
        for name, schema in components["schemas"].items()
    }
    return {"schemas": schemas}


@pytest.mark.parametrize(
    ("path", "type_", "conditional"),
    [
        ("/v1/emails", "EmailRequest", {"subject", "text"}),  # a template at the provider may hold them
        ("/sendEmail", "SendEmail", {"text"}),  # html will do
    ],
)
async def test_a_field_is_told_as_required_exactly_if_no_mail_is_taken_without_it(
    call, document, path, type_, conditional
):
    schema = document["components"]["schemas"][type_]
    example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
    for name, field in schema["properties"].items():
        answer = await call("POST", path, {key: value for key, value in example.items() if key != name})
        refused = [error["field"] for error in answer.json.get("errors", [])]
        assert refused == ([name] if name in {*schema["required"], *conditional} else []), name
        assert "x-required" not in field


async def test_the_examples_of_bodies_are_accepted(call, document):
    for path, method in (("/v1/emails", "post"), ("/sendEmail", "post"), ("/v1/routes/{name}", "put")):
        example = document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
        answer = await call(method.upper(), path.replace("{name}", "default"), example)
        assert answer.status in (200, 202), answer.body


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.tags = set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids.add(given.get("id"))
        self.links |= {given[name] for name in ("href", "src") if name in given}


async def test_the_page_tells_every_operation_field_and_problem_and_needs_nothing_from_elsewhere(call, document):
    answer = await call("GET", "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.body.decode())
    ids = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert ids <= page.ids
    assert {f"problem-{code}" for code in CODES} <= page.ids
    assert {f"type-{name}" for name in document["components"]["schemas"]} <= page.ids
    assert all(link.startswith(("/", "#")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    assert not {"script", "img", "link"} & {tag for tag, _ in page.tags}
    assert "curl -X POST" in answer.body.decode()
    assert "content_id" in answer.body.decode()


async def test_pages_carry_a_policy_that_allows_nothing_but_their_own_style(call):
    for path in ("/docs", "/inbox", "/inbox/1"):
        answer = await call("GET", path)
        policy = answer.headers["content-security-policy"]
        style = answer.body.partition(b"<style>")[2].partition(b"</style>")[0]
        digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_inbox_shows_hostile_mail_as_text_only(call):
    for path in ("/inbox", "/inbox/1"):
        html = (await call("GET", path)).body.decode()
        assert "<script" not in html
        assert "&lt;script&gt;" in html


async def test_the_html_of_a_mail_is_shown_in_a_sandbox_that_can_reach_nothing(call):
    page = Page((await call("GET", "/inbox/1")).body.decode())
    [frame] = [given for tag, given in page.tags if tag == "iframe"]
    assert (frame["sandbox"], frame["src"]) == (None, "/inbox/1/html")
    framed = await call("GET", "/inbox/1/html")
    policy = framed.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert "allow-" not in policy


async def test_the_inbox_is_there_as_json(call):
    page = (await call("GET", "/v1/inbox?limit=1")).json
    assert [caught["id"] for caught in page["data"]] == ["1"]
    caught = (await call("GET", "/v1/inbox/1")).json
    assert caught == caught | page["data"][0]
    assert caught["to"] == ["bob@example.org"]
    for path in ("/v1/inbox/2", "/inbox/2", "/inbox/2/html"):
        assert (await call("GET", path)).status == 404
