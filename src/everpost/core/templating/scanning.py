"""Takes a template apart into text and tags: `{{…}}`, and `{{{…}}}` for text that is not escaped.

As in Mustache and Handlebars, the line of a tag that writes nothing itself and stands alone goes with it, and `~` at an
end of a tag takes the white space beside it away. Every character is looked at a fixed number of times.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from everpost.core.templating.faults import TemplateFault, shown
from everpost.model.limits import TEMPLATE_TAGS_MAX

_ENDS: Final = (("{{{", "}}}"), ("{{!--", "--}}"), ("{{~!--", "--}}"), ("{{", "}}"))
_REST_OF_LINE: Final = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_BLANK: Final = re.compile(r"\s*")
_SILENT: Final = frozenset("#^/!")


class Tag(NamedTuple):
    sigil: str  # `#`, `^`, `/`, `!`, `&` (not escaped), or none
    words: str
    line: int

    @property
    def is_silent(self) -> bool:
        """It stands for no text."""
        return self.sigil in _SILENT if self.sigil else self.words.split(maxsplit=1)[:1] == ["else"]


def pieces(source: str) -> Iterator[str | Tag]:
    """In their order. Raises TemplateFault."""
    at, line, starts_line = 0, 1, True
    for count in range(TEMPLATE_TAGS_MAX + 1):
        start = source.find("{{", at)
        if start < 0:
            yield source[at:]
            return
        if count == TEMPLATE_TAGS_MAX:
            raise TemplateFault(line, f"there are more than {TEMPLATE_TAGS_MAX} tags")
        before = source[at:start]
        line += before.count("\n")
        end, tag, trims_before, trims_after = _tag(source, start, line)
        line += source.count("\n", start, end)
        head, newline, rest = before.rpartition("\n")
        alone = tag.is_silent and not rest.strip(" \t") and bool(newline or starts_line)
        whole_line = _REST_OF_LINE.match(source, end) if alone else None
        if trims_before:
            before = before.rstrip()
        elif whole_line:
            before = head + newline
        yield before
        yield tag
        after = _BLANK.match(source, end) if trims_after else whole_line
        at = end if after is None else after.end()
        line += source.count("\n", end, at)
        starts_line = source[end:at].endswith("\n")


def _tag(source: str, start: int, line: int) -> tuple[int, Tag, bool, bool]:
    """Where it ends, what it is, and whether it takes the white space before and after it away."""
    opening, closing = next(each for each in _ENDS if source.startswith(each[0], start))
    inside = start + len(opening)
    end = source.find(closing, inside)
    if end < 0:
        raise TemplateFault(line, f"{shown(source[start : start + 20])} has no end: {closing} is missing")
    words = source[inside:end]
    if "!" in opening:
        return end + len(closing), Tag("!", "", line), "~" in opening, words.endswith("~")
    before, after = words.startswith("~"), words.endswith("~")
    words = " ".join(words.strip("~").split())
    if opening == "{{{":
        return end + len(closing), Tag("&", words, line), False, False
    sigil = words[:1] if words[:1] in ("#", "^", "/", "!", "&") else ""
    return end + len(closing), Tag(sigil, words[len(sigil) :].strip(), line), before, after
