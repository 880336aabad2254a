"""The OpenAPI 3.1 document, built from the table of operations and the types that are really parsed and rendered."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.legacy import LegacyError
from everpost.dialects.native.schema import REQUIRED
from everpost.entrypoints.http.call import JSON, PROBLEM_JSON
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.problems import CODES, ProblemView
from everpost.entrypoints.http.query import Parameter
from everpost.model.key import Scope

_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_CONVERTER: Final = re.compile(r":\w+\}")
_REFERENCE: Final = "#/components/schemas/{name}"
(_MARK,) = REQUIRED
_RETRYABLE: Final = frozenset({409, 503})
_EVERYWHERE: Final = ("bad_parameter", "store_unavailable", "internal_error")
_WITH_BODY: Final = ("body_too_large", "validation_failed")
_PROTECTED: Final = ("unauthorized", "not_local")
_SECURITY: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key of Everpost."},
    "password": {"type": "http", "scheme": "basic", "description": "The API key as password."},
}
_LEGACY_STATUSES: Final = {"validation_failed": 400}  # where the original API tells a problem by another status


def build_document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    types = _types(operations)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    for component in components.values():
        _tell_required(component)
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(public_path(operation.path), {})[operation.method.lower()] = _operation(operation, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Everpost",
            "version": version,
            "summary": "One email API in front of every email provider.",
            "description": "What it has acknowledged is handed over by whichever provider is up.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": _SECURITY,
        },
    }


def public_path(template: str) -> str:
    """A path as OpenAPI writes it."""
    return _CONVERTER.sub("}", template)


def problem_codes(operation: Operation) -> list[str]:
    """Every code that an operation may answer with, in the order of their statuses."""
    protected = _PROTECTED if operation.scope is not None else ()
    forbidden = ("forbidden",) if operation.scope not in (None, Scope.READ) else ()  # every key may read
    reading = () if operation.body is None else _WITH_BODY if operation.body is bytes else (*_WITH_BODY, "bad_json")
    codes = {*operation.problems, *_EVERYWHERE, *protected, *forbidden, *reading}
    return sorted(codes, key=lambda code: (_status(operation, code), code))


def _status(operation: Operation, code: str) -> int:
    return (_LEGACY_STATUSES if operation.legacy else {}).get(code, CODES[code].status)


def _types(operations: Sequence[Operation]) -> list[Any]:
    used = [operation.body for operation in operations if operation.body is not bytes]
    used += [answer.schema for operation in operations for answer in operation.answers]
    return list(dict.fromkeys([ProblemView, LegacyError, *filter(None, used)]))


def _tell_required(component: dict[str, Any]) -> None:
    """Turns the dialects' mark on a field into JSON Schema: it must be given, and may not be null."""
    fields: dict[str, dict[str, Any]] = component.get("properties", {})
    for name in [name for name, field in fields.items() if field.pop(_MARK, False)]:
        field = fields[name]
        del field["default"]
        field["anyOf"] = [branch for branch in field["anyOf"] if branch != {"type": "null"}]
        component["required"] = [*component.get("required", []), name]


def _operation(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation, by_type),
        "security": [{way: [operation.scope]} for way in _SECURITY] if operation.scope else [],
    }
    needed = f"Needs a key of scope `{operation.scope}`." if operation.scope else ""
    if words := " ".join(filter(None, (operation.description, needed))):
        described["description"] = words
    if operation.body is not None:
        content: dict[str, Any] = {"schema": by_type.get(operation.body, {"type": "string"})}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": operation.body_required, "content": {operation.media_type: content}}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": operation.places.get(name, {"type": "string"})}
        for name in _VARIABLE.findall(public_path(operation.path))
    ]
    return path + _described(operation.query, "query") + _described(operation.headers, "header")


def _described(parameters: Sequence[Parameter], place: str) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "in": place,
            "required": row.required,
            "description": row.description,
            "schema": row.schema,
        }
        for row in parameters
    ]


def _responses(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for answer in operation.answers:
        described = _answer(answer, by_type)
        if known := responses.get(str(answer.status)):  # the same in another form
            known["content"] |= described["content"]
        else:
            responses[str(answer.status)] = described
    refusals: dict[int, list[str]] = {}
    for code in problem_codes(operation):
        refusals.setdefault(_status(operation, code), []).append(code)
    for status, codes in refusals.items():
        refusal = _refusal(operation, status, codes, by_type)
        if str(status) in responses:
            _merge(responses[str(status)], refusal)
        else:
            responses[str(status)] = refusal
    return dict(sorted(responses.items()))


def _answer(answer: Answer, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    if answer.schema is not None:
        described["content"] = {answer.content_type.decode(): {"schema": by_type[answer.schema]}}
    elif answer.content_type != JSON:
        described["content"] = {answer.content_type.decode(): {"schema": {"type": "string"}}}
    headers = {
        name: {"description": words, "required": required, "schema": {"type": "string"}}
        for some, required in ((answer.headers, True), (answer.optional_headers, False))
        for name, words in some.items()
    }
    links = {
        id_: {"operationId": id_, "description": words, "parameters": {"id": "$response.body#/id"}}
        for id_, words in answer.links.items()
    }
    return described | ({"headers": headers} if headers else {}) | ({"links": links} if links else {})


def _refusal(operation: Operation, status: int, codes: Sequence[str], by_type: Mapping[Any, Any]) -> dict[str, Any]:
    schema, content_type = (LegacyError, JSON) if operation.legacy else (ProblemView, PROBLEM_JSON)
    described: dict[str, Any] = {
        "description": "; ".join(f"`{code}`: {CODES[code].title}" for code in codes) + ".",
        "content": {content_type.decode(): {"schema": by_type[schema]}},
    }
    if status in _RETRYABLE:
        words = "Seconds after which to repeat the request, if that helps."
        described["headers"] = {"Retry-After": {"description": words, "required": False, "schema": {"type": "integer"}}}
    return described


def _merge(response: dict[str, Any], refusal: Mapping[str, Any]) -> None:
    """A status that both an answer and a refusal have: either form may come."""
    response["description"] += " " + refusal["description"]
    response["headers"] = response.get("headers", {}) | refusal.get("headers", {})
    for content_type, content in refusal["content"].items():
        known = response["content"].get(content_type)
        schema = content["schema"] if known is None else {"anyOf": [known["schema"], content["schema"]]}
        response["content"][content_type] = {"schema": schema}
