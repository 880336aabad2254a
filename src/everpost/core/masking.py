"""Words of others, as they may be kept and shown: short, and without addresses, secrets and pieces of the mail."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final

from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.message import Draft

MASK: Final = "<address>"
_QUOTED: Final = r'"(?:[^"\\]|\\.){0,64}"'  # RFC 5321 4.5.3.1.1
_WORD: Final = r"""(?<![^\s@<>"(),;:\[\]])(?:(?!%40)[^\s@<>"(),;:\[\]])+"""
_DOMAIN: Final = r"""[^\s<>"'(),;:\[\]/?&]*"""
_ADDRESS: Final = re.compile(f"(?:{_QUOTED}|{_WORD})(?:@|%40){_DOMAIN}", re.DOTALL)
"""Rather too much than too little: what was cut off after its `@` counts, too. Linear in the text, whatever it is: a
word is begun at its first character only. (Possessive quantifiers would be plainer, but Python 3.11.2 gets them wrong.)
"""


def masked(text: str) -> str:
    """Events go to many places, and the health of accounts is seen by all projects: neither names a recipient."""
    return _ADDRESS.sub(MASK, text)[:REASON_CHARS_MAX]


MAIL_MASK: Final = "<mail>"
SECRET_MASK: Final = "<secret>"  # noqa: S105 - it stands for one
_FIELD_CHARS_MIN: Final = 3  # of what is worth being masked; anything shorter stands in other words, too
_FIELD_RUN: Final = 8  # so many characters of a field in a row are a piece of it …
_BODY_RUN: Final = 16  # … and of a body, which has more words in common with others
_SECRET_RUN: Final = 6
_SEEN_CHARS_MAX: Final = 16 * 1024  # of a body: a provider's words hold its beginning, if anything
_SEEN_FILES_MAX: Final = 2


def without_echo(words: str, mail: Draft, secrets: Iterable[str]) -> str:
    """A provider's words without what it was given: they go to logs, to sinks, and into what other projects see."""
    if not words:  # as with nearly every mail that was accepted
        return words
    words = without_secrets(words, secrets)
    for field in sorted(set(_fields(mail)), key=len, reverse=True):
        words = _without(words, field, _FIELD_RUN, MAIL_MASK)
    for body in _bodies(mail):
        words = _without(words, body, _BODY_RUN, MAIL_MASK)
    return words


def without_secrets(words: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        words = _without(words, secret, _SECRET_RUN, SECRET_MASK)
    return words


def _fields(mail: Draft) -> Iterator[str]:
    yield mail.subject
    yield from (address.name for address in (mail.sender, *mail.recipients, *mail.reply_to))
    yield from mail.headers.values()
    yield from mail.metadata.values()
    yield from (part.filename for part in mail.attachments)


def _bodies(mail: Draft) -> Iterator[str]:
    yield from (body[:_SEEN_CHARS_MAX] for body in (mail.text, mail.html) if body)
    for part in mail.attachments[:_SEEN_FILES_MAX]:
        start = part.content[:_SEEN_CHARS_MAX]
        yield start.decode("latin-1")
        yield b64encode(start).decode()


def _without(words: str, given: str, run: int, mask: str) -> str:
    """Words in which each piece of what was given, at least `run` characters long or all of it, is masked."""
    run = min(run, len(given))
    if run < _FIELD_CHARS_MIN:
        return words
    kept, at = [], 0
    while at <= len(words) - run:
        end = at + run
        if words[at:end] not in given:
            kept.append(words[at])
            at += 1
            continue
        while end < len(words) and words[at : end + 1] in given:
            end += 1
        kept.append(mask)
        at = end
    return "".join(kept) + words[at:]
