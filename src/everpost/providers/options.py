"""`provider_options`: what a caller says to one provider in its own words."""

from collections.abc import Iterator
from typing import Any

import msgspec


def merged(ours: Any, theirs: Any) -> Any:
    """Objects, and lists of objects place by place, are merged; anything else of theirs replaces ours."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours | {key: merged(ours[key], value) if key in ours else value for key, value in theirs.items()}
    if isinstance(ours, list) and isinstance(theirs, list) and all(isinstance(each, dict) for each in theirs):
        return [merged(*pair) for pair in zip(ours, theirs, strict=False)] + ours[len(theirs) :] + theirs[len(ours) :]
    return theirs


def form_fields(options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """As fields of a form: a list repeats its field; what is no text goes as JSON."""
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, each if isinstance(each, str) else msgspec.json.encode(each).decode()
