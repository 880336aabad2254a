"""Reads a template. What of other languages it can't say is refused by its name, here and not when mail is sent."""

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from everpost.core.templating.faults import TemplateFault, shown
from everpost.core.templating.scanning import Tag, pieces
from everpost.core.templating.tree import THIS, Arm, Branch, Each, Node, Nodes, Path, Value, Within
from everpost.model.limits import TEMPLATE_DEPTH_MAX

_NAME: Final = r"(?:\[[^\[\]\s]+\]|[^\s\[\]{}()<>.,/@#&^!*+~;=|%`'\"\\]+)"
_NAMES: Final = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_EACH_NAME: Final = re.compile(_NAME)
_KNOWN: Final = ("@root", "@index", "@key", "@first", "@last")
_KINDS: Final = ("if", "unless", "each", "with")
_CHOICES: Final = ("if", "unless")
_SECTION: Final = ""
_INVERTED: Final = "^"
_STRANGE: Final[Mapping[str, str]] = {
    ">": "a template can't take in another one",
    "=": "the marks of tags can't be changed",
    "*": "decorators are not known",
    "{": "a block can't be left unread",
}
"""By how a tag begins: what others make of it, and we don't."""


class _Block:
    """One that is open."""

    def __init__(self, kind: str, path: Path, closed_by: str) -> None:
        self.kind = kind
        self.path = path
        self.closed_by = closed_by
        self.is_negated = kind in ("unless", _INVERTED)
        self.arms: list[Arm] = []
        self.body: list[Node] = []
        self.main: Nodes | None = None  # set: what stands before `else`, which has begun

    @property
    def is_choice(self) -> bool:
        return self.kind in (*_CHOICES, _INVERTED)

    @property
    def is_scope(self) -> bool:
        """Names in it are of its own value."""
        return not self.is_choice and self.main is None

    def end_arm(self) -> None:
        self.arms.append(Arm(self.path, self.is_negated, tuple(self.body)))
        self.body = []

    def begin_other(self) -> None:
        if self.is_choice:
            self.end_arm()
        self.main, self.body = tuple(self.body), []

    def node(self) -> Node:
        if self.is_choice and self.main is None:
            self.end_arm()
        main, other = (tuple(self.body), ()) if self.main is None else (self.main, tuple(self.body))
        if self.is_choice:
            return Branch(tuple(self.arms), other)
        if self.kind == "each":
            return Each(self.path, main, other)
        return Within(self.path, main, other, goes_through=self.kind == _SECTION)


class _Reader:
    def __init__(self) -> None:
        self._open: list[_Block] = []
        self._top: list[Node] = []

    def read(self, source: str) -> Nodes:
        for piece in pieces(source):
            if isinstance(piece, str):
                if piece:
                    self._body.append(piece)
            elif piece.sigil != "!":
                self._tag(piece)
        if self._open:
            last = self._open[-1]
            raise TemplateFault(last.path.line, f"the block is not closed: {{{{/{last.closed_by}}}}} is missing")
        return tuple(self._top)

    @property
    def _body(self) -> list[Node]:
        return self._open[-1].body if self._open else self._top

    def _tag(self, tag: Tag) -> None:
        first, _, rest = tag.words.partition(" ")
        if tag.sigil == "/":
            self._close(tag)
        elif tag.sigil == "#":
            self._begin(tag, first, rest.strip())
        elif tag.sigil == "^" and tag.words:
            self._push(tag, _Block(_INVERTED, self._path(tag, tag.words), tag.words))
        elif tag.sigil == "^" or (not tag.sigil and first == "else"):
            self._otherwise(tag, rest.strip())
        else:
            self._body.append(Value(self._path(tag, tag.words), is_escaped=not tag.sigil))

    def _begin(self, tag: Tag, first: str, rest: str) -> None:
        if first in _KINDS:
            if not rest:
                raise TemplateFault(tag.line, f"{{{{#{first}}}}} names nothing: write {{{{#{first} name}}}}")
            self._push(tag, _Block(first, self._path(tag, rest), first))
        else:
            self._push(tag, _Block(_SECTION, self._path(tag, tag.words), tag.words))

    def _push(self, tag: Tag, block: _Block) -> None:
        if len(self._open) >= TEMPLATE_DEPTH_MAX:
            raise TemplateFault(tag.line, f"blocks lie more than {TEMPLATE_DEPTH_MAX} levels deep")
        self._open.append(block)

    def _close(self, tag: Tag) -> None:
        if not self._open or self._open[-1].closed_by != tag.words:
            due = f"{{{{/{self._open[-1].closed_by}}}}} is due" if self._open else "no block is open"
            raise TemplateFault(tag.line, f"{shown('{{/' + tag.words + '}}')} closes nothing: {due}")
        block = self._open.pop()
        self._body.append(block.node())

    def _otherwise(self, tag: Tag, condition: str) -> None:
        block = self._open[-1] if self._open else None
        if block is None or block.main is not None:
            raise TemplateFault(tag.line, "{{else}} belongs to no block")
        if not condition:
            block.begin_other()
            return
        kind, _, words = condition.partition(" ")
        if not block.is_choice or kind not in _CHOICES:
            raise TemplateFault(tag.line, "after {{else}} stands nothing, or `if NAME` within an `if`")
        block.end_arm()
        block.path, block.is_negated = self._path(tag, words.strip()), kind == "unless"

    def _path(self, tag: Tag, words: str) -> Path:
        if not words or " " in words or words[0] in _STRANGE:
            _refuse(tag, words)
        of, up, rest = THIS, 0, words
        while rest.startswith("../"):
            up, rest = up + 1, rest[3:]
        if rest == "..":
            up, rest = up + 1, ""
        rest = rest.removeprefix("./").removeprefix("this.")
        if rest.startswith("@"):
            of, _, rest = rest.partition(".")
        if of not in (THIS, *_KNOWN) or (of and up) or (rest and of not in (THIS, "@root")):
            raise TemplateFault(tag.line, f"{shown(words)} is not known; of these names there are: {', '.join(_KNOWN)}")
        if up > sum(block.is_scope for block in self._open):
            raise TemplateFault(tag.line, f"{shown(words)} leads out of the data: there are fewer blocks around it")
        if rest in ("", "this", "."):
            return Path(up, of, (), words, tag.line)
        if not _NAMES.fullmatch(rest):
            raise TemplateFault(tag.line, f"{shown(words)} is no name; like: name, person.name, items.[0], ../name")
        names = tuple(name.strip("[]") for name in _EACH_NAME.findall(rest))
        return Path(up, of, names, words, tag.line)


def _refuse(tag: Tag, words: str) -> NoReturn:
    if not words:
        raise TemplateFault(tag.line, "a tag is empty")
    strange = _STRANGE.get(words[0])
    if strange is not None:
        raise TemplateFault(tag.line, f"{shown(words)}: {strange}")
    known = ", ".join(f"#{kind}" for kind in _KINDS)
    raise TemplateFault(tag.line, f"{shown(words)} calls a helper, and none is known but {known}; a name has no blanks")


def parse(source: str) -> Nodes:
    """Raises TemplateFault."""
    return _Reader().read(source)
