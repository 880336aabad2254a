"""Scenarios that follow from the document alone: for every operation who may call it, and what it refuses."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from collection.contract import Operation
from collection.scenario import Key, Need, Scenario

ABSENT: Final = {
    "id": "em_00000000000000000000000000",
    "name": "nobody-has-made-it",
    "address": "nobody-{{run}}@example.org",
    "file": "nothing.js",
    "place": "0",
    "account": "nobody-has-made-it",
}
"""Variable parts of paths under which there is nothing, though their form is sound."""

TYPE: Final = "Content-Type"
SOUND: Final = {
    "message/rfc822": "From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n\r\n"
    "Hello\r\n"
}
"""Bodies that are no JSON, by their media type."""

TOO_LARGE: Final = "99999999"
"""Bytes that are announced: more than are read. Not one of them is sent."""

_LESSER: Final = {"send": Key.READ, "admin": Key.SEND}
_IN: Final = {"query": "bad_parameter", "header": "bad_header"}

_CHALLENGED: Final = {
    "it asks for a key": 'const name = "WWW-Authenticate", remapped = `x-amzn-Remapped-${name}`; '
    "pm.expect(pm.response.headers.get(name) || pm.response.headers.get(remapped)).to.match(/^Bearer /);"
}
"""API Gateway gives the header another name."""


def scenarios(operation: Operation) -> list[Scenario]:
    found = [*_callers(operation), *_parameters(operation)]
    if operation.example is not None:
        found += [*_bodies(operation), *_fields(operation)]
    return found


def _sound(operation: Operation) -> dict[str, Any]:
    """A request that is sound, as far as the document can tell."""
    places = {row["name"]: ABSENT[row["name"]] for row in operation.parameters if row["in"] == "path"}
    body, headers = (
        (operation.example, {}) if operation.form is None else (SOUND[operation.form], {TYPE: operation.form})
    )
    return {"operation": operation.id, "places": places, "body": body, "headers": headers}


def _with(request: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    return {**request, "headers": {**request["headers"], **headers}}


def _callers(operation: Operation) -> Iterator[Scenario]:
    if operation.scope is None:
        return
    request = _sound(operation)
    keys, no_keys = (Need.KEYS,), (Need.NO_KEYS,)
    for name, key in (("Without a key", Key.NONE), ("With an unknown key", Key.UNKNOWN)):
        yield Scenario(name=name, key=key, needs=keys, code="unauthorized", checks=_CHALLENGED, **request)
    if operation.scope in _LESSER:
        lesser = _LESSER[operation.scope]
        name = f"With a key of scope {lesser.value.removesuffix('Key')}"
        yield Scenario(name=name, key=lesser, needs=keys, code="forbidden", **request)
    elsewhere = _with(request, {"Origin": "https://example.com"})
    yield Scenario(name="From a page elsewhere", needs=no_keys, code="not_local", **elsewhere)


def _parameters(operation: Operation) -> Iterator[Scenario]:
    nonsense = (("nonsense", "1"),)
    request = _sound(operation)
    yield Scenario(
        name="A query parameter that it does not know",
        query=nonsense,
        code="bad_parameter",
        fields=("nonsense",),
        **request,
    )
    for row in operation.parameters:
        for value in _outside(row["schema"]):
            name, place = row["name"], row["in"]
            given = {**request, "query": ((name, value),)} if place == "query" else _with(request, {name: value})
            fields = (name,) if place == "query" else ()
            yield Scenario(name=f"{name}: {value}", code=_IN[place], fields=fields, **given)


def _outside(schema: Mapping[str, Any]) -> Iterator[str]:
    """Values that a parameter's schema excludes."""
    if "minimum" in schema:
        yield str(schema["minimum"] - 1)
    if "maximum" in schema:
        yield str(schema["maximum"] + 1)
    if schema.keys() & {"minimum", "enum", "pattern", "oneOf"}:
        yield "not this one"


def _bodies(operation: Operation) -> Iterator[Scenario]:
    request = _sound(operation)
    for name, text in (("A body that ends too early", '{"'), ("A body that is a list", "[]")):
        yield Scenario(name=name, code="bad_json", **{**request, "body": text})
    yield Scenario(
        name="A body that is too large",
        code="body_too_large",
        needs=(Need.DIRECT,),
        **_with(request, {"Content-Length": TOO_LARGE}),
    )


def _fields(operation: Operation) -> Iterator[Scenario]:
    """Each field of the body in turn: of another type, or missing; and one that is not known."""
    request, example = _sound(operation), dict(operation.example or {})
    for name, schema in operation.body["properties"].items():
        types = {each.get("type") for each in (schema, *schema.get("anyOf", ()))}
        wrong = "yes" if "boolean" in types else True
        yield _faulty(f"{name} of another type", name, {**request, "body": example | {name: wrong}})
    for name in operation.body.get("required", ()):
        left = {key: value for key, value in example.items() if key != name}
        yield _faulty(f"Without {name}", name, {**request, "body": left})
    yield _faulty("A field that it does not know", "nonsense", {**request, "body": example | {"nonsense": "1"}})


def _faulty(name: str, field: str, request: Mapping[str, Any]) -> Scenario:
    return Scenario(name=name, code="validation_failed", fields=(field,), **request)
