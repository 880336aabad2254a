"""Plain values to DynamoDB's typed ones and back."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
"""Attributes by name: text, numbers, bytes, and mappings of these."""


def encoded(item: Mapping[str, Any]) -> dict[str, Any]:
    """None is left out: an attribute that is not there is in no index."""
    return {name: _typed(value) for name, value in item.items() if value is not None}


def decoded(attributes: Mapping[str, Any]) -> Item:
    return {name: _plain(kind, value) for name, typed in attributes.items() for kind, value in typed.items()}


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case int() | float():
            return {"N": repr(value).removesuffix(".0")}  # as DynamoDB itself writes it
        case bytes():
            return {"B": b64encode(value).decode()}
        case Mapping():
            return {"M": encoded(value)}
    raise TypeError(f"no attribute for {type(value).__name__}")


def _plain(kind: str, value: Any) -> Any:
    match kind:
        case "N":  # a whole one comes back without its point: who wants a float makes it one
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "B":
            return b64decode(value)
        case "M":
            return decoded(value)
    return value
