"""Puts a recipient's own words into a text that is shared: SendGrid's substitutions, Mailgun's recipient variables."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby, islice
from typing import Final

from everpost.dialects.faults import Faults
from everpost.model.limits import (
    CONTENT_BYTES_MAX,
    SUBSTITUTION_NAME_CHARS_MAX,
    SUBSTITUTION_NAMES_CHARS_MAX,
    SUBSTITUTION_STEPS_MAX,
)

_START_CHARS: Final = 4  # of a name: where a text has them, the name may stand there
_STEPS_OF_A_PLACE: Final = 20  # what it costs to go on from such a place, beside the characters


class Names:
    """Those of one recipient, as they are looked for. To prepare them takes time, for each of their characters."""

    def __init__(self, names: Sequence[str]) -> None:
        self._starts = sorted({name[:_START_CHARS] for name in names})
        self._steps = len(max(names, key=len)) + _STEPS_OF_A_PLACE  # at one place, at most
        self.pattern = re.compile(_any_of(names))

    def steps(self, text: str) -> int:
        """What it takes at most to go through a text, whatever stands there."""
        return len(text) * self._steps

    def steps_by_places(self, text: str, enough: int) -> int:
        """The same by the places where a name may stand; more than `enough` need not be counted."""
        places = re.finditer(_any_of(self._starts), text)
        found = sum(1 for _ in islice(places, enough // self._steps + 1))
        return _START_CHARS * found * self._steps  # those that overlap are found once


class Effort:
    """What the substitutions of one request take. Recipients whose names are the same share them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Names] = {}
        self._chars = self._steps = 0

    def names(self, sorted_names: tuple[str, ...]) -> Names | None:
        """None: all names of the request are too many characters."""
        known = self._known.get(sorted_names)
        if known is None:
            self._chars += sum(map(len, sorted_names))
            if self._chars > SUBSTITUTION_NAMES_CHARS_MAX:
                return None
            known = self._known[sorted_names] = Names(sorted_names)
        return known

    def may_go_through(self, text: str, names: Names) -> bool:
        left = SUBSTITUTION_STEPS_MAX - self._steps
        steps = names.steps(text)
        if steps > left - SUBSTITUTION_STEPS_MAX // 2:  # the second half is for texts that were looked at
            steps = names.steps_by_places(text, left)
        if steps > left:
            return False
        self._steps += steps
        return True


class Substitution:
    """Each text is gone through once, so that nothing that was put in is replaced again."""

    def __init__(self, words: Mapping[str, str], path: str, faults: Faults, effort: Effort) -> None:
        self._words = words
        self._path = path
        self._faults = faults
        self._effort = effort
        names = tuple(sorted(name for name in words if self._is_name(name)))
        found = effort.names(names) if names else None
        if names and found is None:
            limit = f"at most {SUBSTITUTION_NAMES_CHARS_MAX} are taken, the same names of several recipients once"
            faults.add(path, f"have too many names: of the characters of all names of a request, {limit}")
        self._names = found

    def text(self, shared: str) -> str:
        if self._names is None:
            return shared
        if not self._effort.may_go_through(shared, self._names):
            self._faults.add(self._path, "begin alike at too many places of the texts: give names that stand out")
            return shared
        pattern = self._names.pattern
        size = len(shared) + sum(len(self._words[found[0]]) for found in pattern.finditer(shared))
        if size > CONTENT_BYTES_MAX:
            self._faults.add(self._path, f"make a text of {size} characters, at most {CONTENT_BYTES_MAX} are allowed")
            return shared
        return pattern.sub(lambda found: self._words[found[0]], shared)

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
