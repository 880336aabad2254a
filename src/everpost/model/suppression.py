"""Who must not be written to, by which mail, and for how long."""

import hashlib
from enum import StrEnum
from typing import Final

from msgspec import Struct

from everpost.model.message import Draft, Message
from everpost.model.removal import address_digest

ALL: Final = ""  # the stream of a suppression that stops all mail


class Source(StrEnum):
    """How it is known that somebody must not be written to."""

    BOUNCE = "bounce"  # the address takes no mail
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    PERSON = "person"  # somebody has said so, by the API, the page or the command line
    IMPORT = "import"  # a list has said so
    ACCOUNT = "account"  # a provider's own list has said so, and no more


class SuppressionDraft(Struct, frozen=True, kw_only=True):
    """Whom not to write to, as somebody asks for it."""

    address: str
    reason: str
    stream: str = ALL  # of the mail that it stops
    source: Source = Source.PERSON
    expires_at: float | None = None  # from then on it stops nothing; None: never


class Suppression(SuppressionDraft, frozen=True, kw_only=True):
    """As it is stored, its address in lower case."""

    project: str
    created_at: float


def stops(row: Suppression, mail: Draft, now: float) -> bool:
    """Whether the mail must not be written to the address for this."""
    return _is_meant(row, mail, now) and not is_ignored(row, mail)


def yields(row: Suppression, mail: Draft, now: float) -> bool:
    """Whether it would stop the mail, were that not of an account."""
    return _is_meant(row, mail, now) and is_ignored(row, mail)


def is_ignored(row: Suppression, mail: Draft) -> bool:
    """An unsubscription may be, and nothing else ever."""
    return mail.ignores_unsubscribe and row.source is Source.UNSUBSCRIBE


def _is_meant(row: Suppression, mail: Draft, now: float) -> bool:
    return row.stream in {ALL, mail.stream} and not has_expired(row, now)


def has_expired(row: Suppression, now: float) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def covers(known: SuppressionDraft, further: SuppressionDraft) -> bool:
    """Whether the one that is known stops all that a further one of the same address and stream would."""
    is_as_strict = known.source is not Source.UNSUBSCRIBE or further.source is Source.UNSUBSCRIBE
    ends_at, until = known.expires_at, further.expires_at
    return is_as_strict and (ends_at is None or (until is not None and until <= ends_at))


def digest_of(project: str, address: str, stream: str = ALL) -> bytes:
    """By which a suppression is known, in any case of letters, whether its address is kept or not."""
    if stream == ALL:
        return address_digest(project, address)
    return hashlib.sha256(f"{len(project)}:{project}/{len(stream)}:{stream}#{address.lower()}".encode()).digest()


def barring(message: Message) -> set[bytes]:
    """The digests of all suppressions that could stop the message."""
    return {
        digest_of(message.project, address.email, stream)
        for address in message.recipients
        for stream in {ALL, message.stream}
    }


def source_of(stored: str, reason: str) -> Source:
    """Of what an Everpost has stored that knew no sources, its words tell."""
    if stored:
        return Source(stored)
    return next((source for words, source in _WORDS.items() if reason.startswith(words)), Source.PERSON)


_WORDS: Final = {
    "a hard bounce, as ": Source.BOUNCE,
    "a complaint, as ": Source.COMPLAINT,
    "an unsubscription, as ": Source.UNSUBSCRIBE,
    "imported": Source.IMPORT,
}
