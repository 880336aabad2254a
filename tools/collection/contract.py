"""What the OpenAPI document says, as the collection needs it."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

_CODE: Final = re.compile(r"`(\w+)`:")
_REFERENCE: Final = "#/components/schemas/"
JSON: Final = "application/json"


class Operation:
    """One operation of the document."""

    def __init__(self, path: str, method: str, row: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
        self.path = path
        self.method = method.upper()
        self.id: str = row["operationId"]
        self.tag: str = row["tags"][0]
        self.summary: str = row["summary"]
        self.parameters: list[Mapping[str, Any]] = row["parameters"]
        self.responses: Mapping[str, Mapping[str, Any]] = row["responses"]
        self._row = row
        self._schemas = schemas

    @property
    def scope(self) -> str | None:
        """The scope of the key that it needs; None: everybody may."""
        return next((roles[0] for way in self._row["security"] for roles in way.values()), None)

    @property
    def example(self) -> Mapping[str, Any] | None:
        """A body that it takes; None: it takes none, or one that is no JSON."""
        content = self._row.get("requestBody", {}).get("content", {})
        return content[JSON]["example"] if JSON in content else None

    @property
    def form(self) -> str | None:
        """The media type of its body, if that is no JSON."""
        content = self._row.get("requestBody", {}).get("content", {})
        return next((each for each in content if JSON not in content), None)

    @property
    def body(self) -> Mapping[str, Any]:
        """The schema of its body."""
        given: Mapping[str, Any] = self._row["requestBody"]["content"][JSON]["schema"]
        return self._schemas[given["$ref"].removeprefix(_REFERENCE)]

    @cached_property
    def statuses(self) -> Mapping[str, int]:
        """Every code of a problem that it may tell, with its status."""
        return {
            code: int(status)
            for status, response in self.responses.items()
            for code in _CODE.findall(response["description"])
        }

    def told(self) -> dict[str, Any]:
        """What its answers may be, by status: codes of problems, headers that are always there, and a schema for each
        content type; and the types that these refer to."""
        answers = {
            status: {
                "codes": _CODE.findall(response["description"]),
                "headers": [name for name, header in response.get("headers", {}).items() if header["required"]],
                "content": {
                    name.partition(";")[0]: content["schema"] for name, content in response.get("content", {}).items()
                },
            }
            for status, response in self.responses.items()
        }
        names = sorted(set(_reached(answers, self._schemas)))
        return {"answers": answers, "schemas": {name: _closed(self._schemas[name]) for name in names}}


def operations(document: Mapping[str, Any]) -> dict[str, Operation]:
    """All of a document, by their ids."""
    schemas = document["components"]["schemas"]
    rows = [
        Operation(path, method, row, schemas)
        for path, methods in document["paths"].items()
        for method, row in methods.items()
    ]
    return {row.id: row for row in rows}


def _reached(node: Any, schemas: Mapping[str, Any]) -> Iterator[str]:
    """The names of the types that something refers to, and of those that these refer to."""
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if reference is not None:
            name = reference.removeprefix(_REFERENCE)
            yield name
            yield from _reached(schemas[name], schemas)
        for part in node.values():
            yield from _reached(part, schemas)
    elif isinstance(node, list):
        for part in node:
            yield from _reached(part, schemas)


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An answer may have no field that the document does not know."""
    return {**({"additionalProperties": False} if "properties" in schema else {}), **schema}
