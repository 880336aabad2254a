"""The OpenAPI document and the page made of it."""

import json
import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from typing import Any, Final

from everpost.entrypoints.http.call import HTML, Call, Reply, encode
from everpost.entrypoints.http.openapi import build_document
from everpost.entrypoints.http.operation import Operation, open_page
from everpost.entrypoints.http.page import page
from everpost.entrypoints.http.problems import CODES

_SCHEMAS: Final = "#/components/schemas/"
_TYPES, _PROBLEMS = "types", "problems"  # anchors; no operation is called so


class Documentation:
    """Covers the given operations and its own two."""

    def __init__(self, operations: Sequence[Operation], version: str, *, inbox: bool) -> None:
        self.operations = (
            open_page(
                "openapi", "/openapi.json", "This API as an OpenAPI document", self.openapi, schema=dict[str, Any]
            ),
            open_page("docs", "/docs", "This API as a page", self.docs, content_type=HTML),
        )
        self._documented = (*operations, *self.operations)
        self._version = version
        self._inbox = inbox

    async def openapi(self, _call: Call) -> Reply:
        return self._json

    async def docs(self, _call: Call) -> Reply:
        return self._page

    # Made when somebody asks for them first: a function is there before.

    @cached_property
    def _document(self) -> dict[str, Any]:
        return build_document(self._documented, self._version)

    @cached_property
    def _json(self) -> Reply:
        return Reply(status=200, body=encode(self._document))

    @cached_property
    def _page(self) -> Reply:
        return page("The API", render(self._document), inbox=self._inbox)


def render(document: Mapping[str, Any]) -> str:
    """The readable form of an OpenAPI document: operations, fields, examples, and the codes of problems."""
    rows = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [f"<p>{escape(document['info']['summary'])} {escape(document['info']['description'])}</p>"]
    parts.append(_contents(document["tags"], rows))
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2>")
        parts += (_operation(path, method, row, document) for path, method, row in rows if row["tags"] == [tag["name"]])
    types = document["components"]["schemas"].items()
    parts.append(f'<h2 id="{_TYPES}">Types</h2>')
    parts += (_type(name, schema) for name, schema in types)
    return "".join([*parts, _problems()])


def _contents(tags: Sequence[Mapping[str, Any]], rows: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
    """Links to all that follows: the operations by what they are about, then types and problems."""
    lines = [
        f"<b>{escape(tag['name'])}:</b> "
        + " · ".join(
            f'<a href="#{escape(row["operationId"])}">{_marked(row["summary"])}</a>'
            for _, _, row in rows
            if row["tags"] == [tag["name"]]
        )
        for tag in tags
    ]
    lines.append(f'<a href="#{_TYPES}">Types</a> · <a href="#{_PROBLEMS}">problems</a>')
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def _operation(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    head = f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code>'
    answers = "".join(
        f"<tr><th>{status}</th><td>{_marked(answer['description'])}</td><td>{_content(answer)}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    parts = [
        f'<section id="{escape(operation["operationId"])}"><h3>{head}</h3><p><b>{_marked(operation["summary"])}.</b> ',
        f"{_marked(operation.get('description', ''))}</p>",
        _parameters(operation["parameters"]),
        _body(path, method, operation, document),
        f"<table>{answers}</table></section>",
    ]
    return "".join(parts)


def _parameters(parameters: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><th><code>{escape(row['name'])}</code></th><td class=word>{row['in']}</td>"
        f"<td>{_marked(row.get('description', ''))}</td></tr>"
        for row in parameters
    )
    return f"<table>{rows}</table>" if rows else ""


def _body(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    ((media_type, content),) = operation["requestBody"]["content"].items()
    data, fields = "--data-binary @FILE", ""
    if "example" in content:
        name = content["schema"]["$ref"].removeprefix(_SCHEMAS)
        fields = _fields(document["components"]["schemas"][name])
        data = f"-d {shlex.quote(json.dumps(content['example'], ensure_ascii=False))}"
    server = "http://127.0.0.1:8025"
    lines = [
        f"curl -X {method.upper()} {server}{path}",
        "-H 'Authorization: Bearer KEY'",
        f"-H 'Content-Type: {media_type}'",
        data,
    ]
    curl = " \\\n  ".join(lines)
    return f"<pre>{escape(curl)}</pre>{fields}"


def _type(name: str, schema: Mapping[str, Any]) -> str:
    words, title = _marked(schema.get("description", "")), escape(name)
    return f'<section id="type-{title}"><h3><code>{title}</code></h3><p>{words}</p>{_fields(schema)}</section>'


def _fields(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><th><code>{escape(name)}</code></th><td>{_shape(field)}"
        f"{'' if name in required else ' <span class=quiet>optional</span>'}</td>"
        f"<td>{_marked(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _shape(schema: Mapping[str, Any]) -> str:
    """A type in a few words, with links to the named ones."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(_SCHEMAS))
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_shape(branch) for branch in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(choice))}</code>" for choice in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_shape(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of {_shape(schema['additionalProperties'])}"
    return escape(schema.get("type", "anything"))


def _content(answer: Mapping[str, Any]) -> str:
    schemas = [content["schema"] for content in answer.get("content", {}).values()]
    return ", ".join(_shape(schema) for schema in schemas)


def _problems() -> str:
    rows = "".join(
        f'<tr id="problem-{code}"><th><code>{code}</code></th><td>{row.status}</td>'
        f"<td>{escape(row.title)}. {_marked(row.meaning)}</td></tr>"
        for code, row in CODES.items()
    )
    words = "<p>Refusals are application/problem+json (RFC 9457).</p>"
    return f'<h2 id="{_PROBLEMS}">Problems</h2>{words}<table>{rows}</table>'


def _marked(text: str) -> str:
    """Text in which `code` stands between backticks."""
    return "".join(
        f"<code>{escape(part)}</code>" if position % 2 else escape(part)
        for position, part in enumerate(text.split("`"))
    )
