"""openapi.json, and api.md made of it: operations, their fields, and the codes of problems."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pages import markdown

from everpost import __version__
from everpost.entrypoints.http.act_operations import ACTS
from everpost.entrypoints.http.documentation import Documentation
from everpost.entrypoints.http.hooks import HOOKS
from everpost.entrypoints.http.key_operations import KEYS
from everpost.entrypoints.http.mail_operations import MAIL, ORIGINAL
from everpost.entrypoints.http.openapi import build_document
from everpost.entrypoints.http.other_operations import VITALS
from everpost.entrypoints.http.problems import CODES
from everpost.entrypoints.http.steering_operations import STEERING
from everpost.entrypoints.http.suppression_operations import SUPPRESSIONS
from everpost.entrypoints.http.template_operations import TEMPLATES
from everpost.entrypoints.http.ui import ui_operations
from everpost.entrypoints.http.webhook_operations import WEBHOOKS
from everpost.entrypoints.http.whoami import Whoami

_SCHEMAS: Final = "#/components/schemas/"


@cache
def document() -> dict[str, Any]:
    """As a server says it at /openapi.json; the inbox of `everpost dev` is left out."""
    told = (
        *(*MAIL, *ACTS, *ORIGINAL, *STEERING, *SUPPRESSIONS, *TEMPLATES, *WEBHOOKS, *KEYS, *HOOKS, *VITALS),
        *ui_operations(),
    )
    operations = (*told, Whoami(told).operation)
    pages = Documentation(operations, __version__, inbox=False).operations
    return build_document((*operations, *pages), __version__)


def page() -> str:
    types = document()["components"]["schemas"].items()
    return markdown.page(
        "HTTP API",
        "The same as a page with commands to copy: `/docs` of a running server. For programs: "
        "[openapi.json](openapi.json).",
        "Send `Authorization: Bearer KEY`; a key may also come as the password of HTTP Basic. Times are RFC 3339 in "
        "UTC. Refusals are [problems](#problems).",
        *(_tag(tag["name"]) for tag in document()["tags"]),
        "## Types",
        *(_type(name, schema) for name, schema in types),
        "## Problems",
        "Refusals are `application/problem+json` (RFC 9457) with a stable `code`, and with the `request_id` that the "
        "log has. The original three operations tell the same codes in their own form.",
        markdown.table(
            ("code", "status", "meaning"),
            [(markdown.code(code), str(row.status), f"{row.title}. {row.meaning}") for code, row in CODES.items()],
        ),
    )


def _tag(tag: str) -> str:
    rows = [
        _operation(method, path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if operation["tags"] == [tag]
    ]
    return f"## {tag}\n\n" + "\n".join(rows)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parameters = [
        (markdown.code(each["name"]), each["in"], shape(each["schema"]), each.get("description", ""))
        for each in operation["parameters"]
    ]
    responses = [(status, answer["description"], _content(answer)) for status, answer in operation["responses"].items()]
    described = f"**{operation['summary']}.** {operation.get('description', '')}".rstrip()
    parts = [
        f"### {method.upper()} {path}",
        described,
        markdown.table(("parameter", "in", "value", "meaning"), parameters),
        _body(operation),
        markdown.table(("status", "meaning", "body"), responses),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def _body(operation: Mapping[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    ((media_type, content),) = operation["requestBody"]["content"].items()
    if "example" not in content:
        return f"Body: {markdown.code(media_type)}"
    example = json.dumps(content["example"], indent=2, ensure_ascii=False)
    return f"Body: {shape(content['schema'])}, as in\n\n```json\n{example}\n```"


def _type(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = [
        (markdown.code(field), shape(value), "yes" if field in needed else "", value.get("description", ""))
        for field, value in schema.get("properties", {}).items()
    ]
    words = schema.get("description", "")
    body = markdown.table(("field", "value", "required", "meaning"), rows) or shape(schema)
    return f"### {name}\n\n" + "\n\n".join(part for part in (words, body) if part)


def _content(answer: Mapping[str, Any]) -> str:
    return ", ".join(shape(content["schema"]) for content in answer.get("content", {}).values())


def shape(schema: Mapping[str, Any]) -> str:
    """A type in a few words, with links to the named ones."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return " or ".join(markdown.code(json.dumps(choice)) for choice in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(shape(branch) for branch in schema[several])
    if schema.get("type") == "array":
        return f"list of {shape(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of {shape(schema['additionalProperties'])}"
    return str(schema.get("type", "anything"))
