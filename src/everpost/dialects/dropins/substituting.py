"""Puts a recipient's own words into a text that is shared: SendGrid's substitutions, Mailgun's recipient variables."""

import re
from collections.abc import Mapping

from everpost.dialects.faults import Faults
from everpost.model.limits import CONTENT_BYTES_MAX


class Substitution:
    """Each text is gone through once, so that nothing that was put in is replaced again."""

    def __init__(self, words: Mapping[str, str], path: str, faults: Faults) -> None:
        self._words = words
        self._path = path
        self._faults = faults
        if "" in words:
            faults.add(path, "has an empty name")
        names = sorted((name for name in words if name), key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, names))) if names else None

    def text(self, shared: str) -> str:
        if self._names is None:
            return shared
        size = len(shared) + sum(len(self._words[found[0]]) for found in self._names.finditer(shared))
        if size > CONTENT_BYTES_MAX:
            self._faults.add(self._path, f"make a text of {size} characters, at most {CONTENT_BYTES_MAX} are allowed")
            return shared
        return self._names.sub(lambda found: self._words[found[0]], shared)
