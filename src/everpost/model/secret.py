"""Secrets, and names of secrets. No repr shows a value, and so no traceback, log line or debugger's dump does."""

import re
from typing import Final

from msgspec import Struct

KINDS: Final = ("ssm", "secretsmanager")
FORMS: Final = "ssm:/NAME or secretsmanager:NAME-OR-ARN, with #KEY for one text of a JSON object"
_PARAMETER: Final = re.compile(r"/[\w.\-/]{1,1010}", re.ASCII)
_SECRET: Final = re.compile(r"[\w/+=.@:\-]{1,2048}", re.ASCII)


class Secret(str):
    """A secret's value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Source(Struct, frozen=True):
    """Where a text is kept."""

    kind: str  # one of KINDS
    name: str


class Reference(str):
    """What an account's setting has in place of a secret: `ssm:/mail/api-key`, `secretsmanager:mail#api_key`."""

    __slots__ = ()

    @property
    def source(self) -> Source:
        kind, _, name = self.partition(":")
        return Source(kind, name.partition("#")[0])

    @property
    def key(self) -> str | None:
        """Of the text's JSON object; None: the whole text is the secret."""
        return self.partition("#")[2] or None

    @property
    def is_sound(self) -> bool:
        source = self.source
        form = _PARAMETER if source.kind == "ssm" else _SECRET
        return source.kind in KINDS and form.fullmatch(source.name) is not None and not self.endswith("#")


def is_reference(text: str) -> bool:
    return text.partition(":")[0] in KINDS
