"""Requests held against the descriptions that the providers have published of their APIs.

The descriptions are not part of this project: they lie in the folder that EVERPOST_SHARED names, or beside it. Their
known defects are mended here, in memory.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from drafts import drafts
from everpost.providers.contract import Ask
from everpost.providers.history import Listed
from everpost.wiring import PROVIDERS
from provider_cases import account_of, answer_of, body_of, build, built, cases, fitted, sought_of

SPECS = Path(os.environ.get("EVERPOST_SHARED") or Path(__file__).parents[4] / "shared") / "specs"
FILES = {
    "brevo": ("brevo/brevo-transactional.openapi.json",),
    "sendgrid": ("sendgrid/tsg_mail_v3.json", "sendgrid/tsg_logs_v3.json"),
    "mailgun": ("mailgun/openapi.yaml",),
    "mailjet": ("mailjet/openapi-mailjet.yaml",),
    "mailtrap": (
        "mailtrap/email-sending-transactional.openapi.json",
        "mailtrap/email-sending-bulk.openapi.json",
        "mailtrap/email-sending.openapi.json",
    ),
    "mandrill": ("mandrill/transactional.openapi.json",),
    "scaleway": ("scaleway/transactional-email.openapi.json",),
    "postmark": ("postmark/server.swagger.json",),
    "resend": ("resend/resend.json",),
    "sparkpost": ("sparkpost/events.openapi.json",),
}
SCHEMAS = {
    "sparkpost": "sparkpost-transmission.schema.json",
    "mailersend": "mailersend-email.schema.json",
    "mailjet": "mailjet-send-v31.schema.json",
}
"""Of APIs that publish no description of what is sent, one that was made from their documentation."""
SENT = [*FILES, *(name for name in SCHEMAS if name not in FILES)]
MESSAGES = [case for case in cases("messages/*.json") if case.provider in SENT]
LOOKUPS = [case for case in cases("lookups/*.json") if case.provider in FILES]
READ = {"integer": int, "number": float, "boolean": json.loads}  # texts of a query
ABOVE = {"sparkpost": "/api"}
"""What stands before the paths of a description that names no server."""
MISSING = {("postmark", "metadata_everpost_id")}
"""Parameters that a description is too old for."""
FORM = "multipart/form-data"
FORMATS = jsonschema.FormatChecker()
pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason=f"no descriptions of the providers' APIs in {SPECS}")


@cache
def description(provider):
    """The paths and types of a provider's API, out of all its files."""
    paths, components = {}, {}
    for name in FILES[provider]:
        text = (SPECS / name).read_text()
        whole = json.loads(text) if name.endswith(".json") else yaml.load(text, Loader=yaml.CSafeLoader)
        whole = modern(whole) if "swagger" in whole else whole
        above = urlsplit(whole["servers"][0]["url"]).path.rstrip("/") if "servers" in whole else ABOVE.get(provider, "")
        paths |= {above + path: operations for path, operations in whole["paths"].items()}
        for kind, values in whole["components"].items():
            components.setdefault(kind, {}).update(values)
    if provider == "mandrill":
        components["schemas"]["ApiKey"] = _only_key() | {"additionalProperties": True}
    return {"paths": paths, "components": components}


def test_the_known_defect_of_mandrills_description_is_still_there():
    """Each body is a key without anything beside it and, at the same time, what stands beside it; it is mended above,
    in memory."""
    assert _only_key()["additionalProperties"] is False


def _only_key():
    return json.loads((SPECS / FILES["mandrill"][0]).read_text())["components"]["schemas"]["ApiKey"]


def modern(whole):
    """A description in the form of Swagger 2 as one of OpenAPI 3, as far as requests go."""
    moved = json.loads(json.dumps(whole).replace("#/definitions/", "#/components/schemas/"))
    for operation in [each for path in moved["paths"].values() for each in path.values()]:
        for parameter in operation["parameters"]:
            kept = ("type", "format", "enum")
            parameter.setdefault("schema", {name: parameter[name] for name in kept if name in parameter})
            if parameter["in"] == "body":
                operation["requestBody"] = {"content": {"application/json": {"schema": parameter["schema"]}}}
    return moved | {"components": {"schemas": moved["definitions"]}}


def test_the_known_defect_of_sendgrids_description_is_still_there():
    """Its custom arguments of the whole mail are an object, not a text; the test mends that below."""
    assert _sendgrid_mail()["properties"]["custom_args"]["type"] == "string"


def _sendgrid_mail():
    body = description("sendgrid")["components"]["requestBodies"]["PostMailSend"]
    return body["content"]["application/json"]["schema"]


def mended(schema, provider):
    if provider == "sendgrid" and "personalizations" in schema.get("properties", {}):
        arguments = schema["properties"]["custom_args"] | {"type": "object"}
        return schema | {"properties": schema["properties"] | {"custom_args": arguments}}
    if provider == "postmark":  # a template has an id and an alias, and one of them is enough
        return schema | {"required": [name for name in schema.get("required", ()) if name != "TemplateAlias"]}
    if provider == "mailtrap" and "oneOf" in schema:  # a mail with both texts is one of each kind
        return {"anyOf": schema["oneOf"]}
    return schema


def operation_of(provider, request):
    """What the description says of the operation that a request asks for."""
    path = urlsplit(request.url).path
    fitting = [template for template in description(provider)["paths"] if _fits(template, path)]
    assert fitting, f"no path of the description fits {path}"
    exact = min(fitting, key=lambda template: template.count("{"))
    return description(provider)["paths"][exact][request.method.lower()]


def _fits(template, path):
    steps, given = template.split("/"), path.split("/")
    return len(steps) == len(given) and all(a == b or a.startswith("{") for a, b in zip(steps, given, strict=True))


def resolved(provider, value):
    while "$ref" in value:
        steps = value["$ref"].removeprefix("#/").split("/")
        value = description(provider)
        for step in steps:
            value = value[step]
    return value


def faults_of(provider, request):
    """Everything that the description does not allow."""
    operation = operation_of(provider, request)
    faults = list(_parameter_faults(provider, operation, request))
    if request.body:
        content = resolved(provider, operation["requestBody"])["content"]
        kind = request.headers["Content-Type"].partition(";")[0]
        schema = mended(resolved(provider, content[kind]["schema"]), provider)
        value = form_value(body_of(request), schema) if kind == FORM else body_of(request)
        faults += violations(provider, schema, value)
    return faults


def sending_faults_of(provider, request):
    """The same of a request to send a mail."""
    if provider not in SCHEMAS:
        return faults_of(provider, request)
    schema = json.loads((SPECS / "derived" / SCHEMAS[provider]).read_text())
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(body_of(request))]


def violations(provider, schema, value):
    whole = schema | {"components": description(provider)["components"]}
    return [
        error.message for error in jsonschema.Draft202012Validator(whole, format_checker=FORMATS).iter_errors(value)
    ]


def _parameter_faults(provider, operation, request):
    parameters = [resolved(provider, each) for each in operation.get("parameters", ())]
    known = {each["name"]: each["schema"] for each in parameters if each.get("in") == "query"}
    for name, text in deep(parse_qsl(urlsplit(request.url).query)).items():
        if name not in known and (provider, name) not in MISSING:
            yield f"{name} is no parameter"
            continue
        schema = resolved(provider, known.get(name, {}))
        read = READ.get(schema.get("type"))
        yield from violations(provider, schema, read(text) if read else text)


def deep(pairs):
    """What is asked for, where `a[b][c]=d` is an object in an object."""
    value = {}
    for name, text in pairs:
        *above, last = re.findall(r"[^\[\]]+", name)
        inner = value
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = text
    return value


def form_value(parts, schema):
    """A form as an object: what the description calls a list is one, also where there is a single value."""
    value = {}
    for part in parts:
        name, text = part if isinstance(part, list) else (part["field"], part["content"])
        if resolved_type(schema, name) == "array":
            value.setdefault(name, []).append(text)
        else:
            assert name not in value, f"{name} is given twice"
            value[name] = text
    return value


def resolved_type(schema, name):
    return schema["properties"].get(name, {}).get("type")


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", MESSAGES, ids=str)
def test_the_requests_of_the_fixtures_are_as_described(case):
    case.value.pop("settings", None)  # other domains and addresses are not in the description
    assert sending_faults_of(case.provider, build(case.value, case.provider)) == []


@pytest.mark.parametrize("provider", SENT)
@settings(max_examples=60)
@given(draft=drafts())
def test_every_request_to_send_is_as_described(provider, draft):
    assert sending_faults_of(provider, built(provider, fitted(provider, draft))) == []


@pytest.mark.parametrize("case", LOOKUPS, ids=str)
def test_questions_are_as_described_and_so_are_those_that_follow(case):
    lookup = PROVIDERS[case.provider].resolve
    sought = sought_of(case.value, case.provider)
    requests = [lookup.start(sought)]
    for read in case.value["reads"]:
        finding = lookup.read(sought, answer_of(read["answer"]))
        requests += [each for each in finding.requests if "?" in each.url] if isinstance(finding, Ask) else []
    assert [fault for request in requests for fault in faults_of(case.provider, request)] == []


@pytest.mark.parametrize("provider", [name for name in FILES if name not in ("brevo", "sendgrid", "sparkpost")])
def test_a_probe_is_as_described(provider):
    """Those of the others are not in the files."""
    assert faults_of(provider, PROVIDERS[provider].probe(account_of(provider))) == []


ID_THERE = "0a5d2f34-6baa-4455-a3e7-0682c2094cac"
ASKED_AFTER = {
    "sendgrid": [{"messages": [{"sg_message_id": "a.b-0", "status": "bounced"}]}],
    "postmark": [{"Bounces": [{"MessageID": "m"}]}, {}, {"Messages": [{"MessageID": "m"}]}],
    "mailtrap": [{"messages": [{"message_id": "m", "status": "delivered"}], "next_page_cursor": ID_THERE}],
    "resend": [{"data": [{"id": "m", "created_at": "2026-01-02T00:00:00Z"}], "has_more": True}],
    "scaleway": [{"emails": [{"updated_at": "2026-01-02T00:00:00Z"}] * 100}],
    "mailjet": [{"Data": [{"Status": "queued"}] * 1000}],
}
"""Answers that lead to further questions. Mailjet's description has no history of one mail."""


@pytest.mark.parametrize("provider", [name for name in FILES if PROVIDERS[name].history])
def test_questions_for_missed_events_are_as_described_and_so_are_those_that_follow(provider):
    left = [PROVIDERS[provider].history.start(account_of(provider), 1_767_225_600.0, 1_767_226_500.0)]
    asked = []
    for body in [*ASKED_AFTER.get(provider, ()), {}]:
        asked.append(left.pop(0))
        listed = asked[-1].read(answer_of({"status": 200, "body": body}))
        left += listed.further if isinstance(listed, Listed) else ()
        if not left:
            break
    faults = [fault for question in (*asked, *left) for fault in faults_of(provider, question.request)]
    assert faults == []
    assert len(asked) + len(left) > len(ASKED_AFTER.get(provider, ()))
