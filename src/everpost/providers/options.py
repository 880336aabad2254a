"""`provider_options`: what a caller says to one provider in its own words.

They are of any form, since nobody has checked them: whatever they hold, `build` makes a request or says why not.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import msgspec

from everpost.providers.fields import breaks_a_line

Path = tuple[str, ...]

_ALTERED: Final = "provider_options may not change sender, recipients or ids"
_BROKEN: Final = "provider_options have a control character, such as a line break, in the header"


def merged(ours: Any, theirs: Any) -> Any:
    """Objects, and lists of objects place by place, are merged; anything else of theirs replaces ours."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if not theirs:
            return ours
        return ours | {key: merged(ours[key], value) if key in ours else value for key, value in theirs.items()}
    if isinstance(ours, list) and isinstance(theirs, list) and all(isinstance(each, dict) for each in theirs):
        return [merged(*pair) for pair in zip(ours, theirs, strict=False)] + ours[len(theirs) :] + theirs[len(ours) :]
    return theirs


def merge_fault(ours: Any, whole: Any, own: Iterable[Path], lines: Iterable[Path]) -> str | None:
    """Why the options may not be merged: they change what stands at an `own` path, or break what becomes a line."""
    if whole is ours:
        return None  # there are no options
    if any(below(ours, path) != below(whole, path) for path in own):
        return _ALTERED
    return _BROKEN if any(breaks_a_line(below(whole, path)) for path in lines) else None


def below(value: Any, path: Path) -> Any:
    """What stands at a path, or None; a list of one entry is passed through on the way."""
    for step in path:
        entry = value[0] if isinstance(value, list) and len(value) == 1 else value
        value = entry.get(step) if isinstance(entry, dict) else None
    return value


def form_fault(options: dict[str, Any], own: Collection[str], lines: tuple[str, ...]) -> str | None:
    """The same for a form: `own` are names in lower case, `lines` are what names of lines start with."""
    if any(name.lower() in own for name in options):
        return _ALTERED
    return _BROKEN if any(name.startswith(lines) and breaks_a_line(options[name]) for name in options) else None


def with_options(ours: Iterable[tuple[str, str]], options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields of a form with the options among them, which replace ours of the same name. A list repeats its field; what
    is no text goes as JSON."""
    yield from (field for field in ours if field[0] not in options)
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, each if isinstance(each, str) else msgspec.json.encode(each).decode()
