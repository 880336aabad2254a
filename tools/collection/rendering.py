"""Scenarios as a Postman collection (format v2.1) and its environment."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from collection import scripts
from collection.chapters import chapters
from collection.contract import JSON, Operation, operations
from collection.scenario import Chapter, Key, Scenario

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_NAMES: Final = UUID("5f2c3c5e-7c0c-4d5b-9d2f-0e7d1a6f4b52")  # of this collection; ids below follow from it
_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_HERE: Final = Path(__file__).resolve().parents[2] / "postman"

ENVIRONMENT: Final[Mapping[str, tuple[str, str]]] = {
    "baseUrl": ("http://127.0.0.1:8025", "Of the server; with a stage, where a gateway has one."),
    "adminKey": ("", "Key of scope admin. All three are empty for a server without keys, as `everpost dev` is."),
    "sendKey": ("", "Key of scope send."),
    "readKey": ("", "Key of scope read."),
    "controlUrl": ("", "Control address of the sandbox; empty: no provider fails."),
    "gateway": ("", "Any value: a gateway is in front, with its own bounds and answers to unknown paths."),
    "hostHeader": ("", "Sent as Host, where a gateway is found by its name only."),
    "gatewayKey": ("", "Sent as x-api-key, where a gateway has keys of its own."),
    "patience": ("", "Any value: scenarios run that take 25 s."),
}
"""Variables of the environment: what stands in the committed one, and what they are for."""

WORDS: Final = """What Everpost's API does and what it refuses, operation by operation.

Made from its OpenAPI document and from scenarios written by hand. Run its folders in their order, beginning with Begin.

It sends mail and changes routes: run it against the sandbox, never against a server that people depend on."""


def collection(document: Mapping[str, Any]) -> dict[str, Any]:
    known = operations(document)
    return {
        "info": {
            "_postman_id": str(_NAMES),
            "name": "Everpost",
            "description": WORDS,
            "schema": SCHEMA,
        },
        "item": [_chapter(chapter, follow, known) for chapter, follow in chapters(known)],
        "event": [
            _event("prerequest", (_HERE / "before_every_request.js").read_text().splitlines()),
            _event("test", (_HERE / "after_every_answer.js").read_text().splitlines()),
        ],
        "variable": [
            {"key": f"told.{operation.id}", "value": json.dumps(operation.told(), separators=(",", ":"))}
            for operation in known.values()
        ],
    }


def environment() -> dict[str, Any]:
    values = [
        {"key": key, "value": value, "type": "secret" if key.endswith("Key") else "default", "enabled": True}
        for key, (value, _) in ENVIRONMENT.items()
    ]
    return {
        "id": str(uuid5(_NAMES, "local")),
        "name": "Everpost on this machine",
        "values": values,
        "_postman_variable_scope": "environment",
    }


def by_id(known: Mapping[str, Operation]) -> dict[str, Scenario]:
    """Every scenario by the id of its request, as newman's reports tell it."""
    return {
        _id(chapter, scenario): scenario
        for chapter, follow in chapters(known)
        for several in (chapter.scenarios, *follow.values())
        for scenario in several
    }


def _id(chapter: Chapter, scenario: Scenario) -> str:
    return str(uuid5(_NAMES, f"{chapter.name}/{_title(scenario)}"))


def _title(scenario: Scenario) -> str:
    return f"{scenario.operation}: {scenario.name}" if scenario.operation else scenario.name


def _chapter(
    chapter: Chapter, follow: Mapping[str, Sequence[Scenario]], known: Mapping[str, Operation]
) -> dict[str, Any]:
    items = [_item(chapter, scenario, known) for scenario in chapter.scenarios]
    for name, several in follow.items():
        inner = [_item(chapter, scenario, known) for scenario in several]
        words = "What follows from the document alone: who may call it, and what it refuses."
        items.append({"name": f"{name}: refusals", "description": words, "item": inner})
    return {"name": chapter.name, "description": chapter.words, "item": items}


def _item(chapter: Chapter, scenario: Scenario, known: Mapping[str, Operation]) -> dict[str, Any]:
    operation = known.get(scenario.operation)
    before = scripts.before(scenario)
    return {
        "id": _id(chapter, scenario),
        "name": _title(scenario),
        "protocolProfileBehavior": {"followRedirects": False},
        "event": [
            *([_event("prerequest", before)] if before else []),
            _event("test", scripts.after(scenario)),
        ],
        "request": {
            "method": operation.method if operation else scenario.method,
            "auth": _auth(scenario, operation),
            "header": _headers(scenario),
            "url": _url(scenario, operation),
            **_body(scenario),
        },
    }


def _event(listen: str, lines: Sequence[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": list(lines)}}


def _auth(scenario: Scenario, operation: Operation | None) -> dict[str, Any]:
    scope = operation.scope if operation else None
    match scenario.key:
        case Key.NONE:
            return {"type": "noauth"}
        case Key.OWN if scope is None:
            return {"type": "noauth"}
        case Key.PASSWORD:
            return {"type": "basic", "basic": _settings(username="anybody", password="{{adminKey}}")}
        case Key.UNKNOWN:
            token = "ep_0000000000_0000000000000000000000000000000000000000000"
        case Key.OWN:
            token = f"{{{{{scope}Key}}}}"
        case key:
            token = f"{{{{{key.value}}}}}"
    return {"type": "bearer", "bearer": _settings(token=token)}


def _settings(**values: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value, "type": "string"} for key, value in values.items()]


def _headers(scenario: Scenario) -> list[dict[str, str]]:
    own = {} if scenario.body is None else {"Content-Type": JSON}
    return [{"key": key, "value": value} for key, value in {**own, **scenario.headers}.items()]


def _url(scenario: Scenario, operation: Operation | None) -> dict[str, Any]:
    query = "&".join(f"{key}={value}" for key, value in scenario.query)
    raw = "{{baseUrl}}" + _VARIABLE.sub(r":\1", operation.path) if operation else scenario.url
    host, *path = raw.split("/")
    told: dict[str, Any] = {"raw": raw + ("?" + query if query else ""), "host": [host], "path": path}
    if scenario.query:
        told["query"] = [{"key": key, "value": value} for key, value in scenario.query]
    if scenario.places:
        told["variable"] = [{"key": key, "value": value} for key, value in scenario.places.items()]
    return told


def _body(scenario: Scenario) -> dict[str, Any]:
    if scenario.body is None:
        return {}
    raw = scenario.body if isinstance(scenario.body, str) else json.dumps(scenario.body, indent=2, ensure_ascii=False)
    return {"body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}}
