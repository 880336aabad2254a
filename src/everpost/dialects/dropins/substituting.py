"""Puts a recipient's own words into a text that is shared: SendGrid's substitutions, Mailgun's recipient variables."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from everpost.dialects.faults import Faults
from everpost.model.limits import CONTENT_BYTES_MAX, SUBSTITUTION_NAME_CHARS_MAX


class Substitution:
    """Each text is gone through once, so that nothing that was put in is replaced again."""

    def __init__(self, words: Mapping[str, str], path: str, faults: Faults) -> None:
        self._words = words
        self._path = path
        self._faults = faults
        names = sorted(name for name in words if self._is_name(name))
        self._names = re.compile(_any_of(names)) if names else None

    def text(self, shared: str) -> str:
        if self._names is None:
            return shared
        size = len(shared) + sum(len(self._words[found[0]]) for found in self._names.finditer(shared))
        if size > CONTENT_BYTES_MAX:
            self._faults.add(self._path, f"make a text of {size} characters, at most {CONTENT_BYTES_MAX} are allowed")
            return shared
        return self._names.sub(lambda found: self._words[found[0]], shared)

    def _is_name(self, name: str) -> bool:
        if not name:
            self._faults.add(self._path, "has an empty name")
        elif len(name) > SUBSTITUTION_NAME_CHARS_MAX:
            words = f"has a name of {len(name)} characters, at most {SUBSTITUTION_NAME_CHARS_MAX} are taken"
            self._faults.add(self._path, words)
        else:
            return True
        return False


def _any_of(names: Sequence[str]) -> str:
    """A pattern of sorted names that finds the longest. What they begin with alike is looked at once, so that a text is
    gone through as quickly with ten thousand names as with ten."""
    first, last = names[0], names[-1]
    shared = first[: next((at for at, letter in enumerate(first) if last[at : at + 1] != letter), len(first))]
    rests = [name[len(shared) :] for name in names]
    further = [_any_of(list(group)) for _, group in groupby(filter(None, rests), key=lambda rest: rest[0])]
    if not further:
        return re.escape(shared)
    return f"{re.escape(shared)}(?:{'|'.join(further)}){'' if rests[0] else '?'}"
