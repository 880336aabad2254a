"""What is left of a message when a part of it is no longer kept."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from everpost.model.message import Address, Message, Removed

_DOMAIN: Final = "erased.invalid"  # RFC 2606: no mail ever goes there
_TOKEN_CHARS: Final = 20  # of 16 values each: 80 bits


def without_bodies(message: Message) -> Message:
    return replace(
        message,
        subject="",
        text=None,
        html=None,
        attachments=(),
        headers={},
        provider_options={},
        removed=_and(message, Removed.CONTENT),
    )


def without_addresses(message: Message, salt: bytes) -> Message:
    """Each address of a recipient becomes the same token in all mails of its project. The sender, who is the caller,
    stays."""

    def token(address: Address) -> Address:
        return Address(pseudonym(salt, message.project, address.email))

    sender = message.sender
    return replace(_mapped(message, token), sender=sender, metadata={}, removed=_and(message, Removed.RECIPIENTS))


def without_address(message: Message, address: str, token: str) -> Message:
    """One recipient becomes `token` wherever the mail names it. What was written to it, and about it, goes, too."""

    def other(one: Address) -> Address:
        return Address(token) if one.email.lower() == address.lower() else one

    return replace(_mapped(without_bodies(message), other), metadata={})


def pseudonym(salt: bytes, project: str, address: str) -> str:
    """Tells nothing of the address to those who don't know `salt`, and is the same each time."""
    if is_token(address):
        return address
    told = hmac.digest(salt, address_digest(project, address), "sha256")
    return token(told.hex())


def is_token(address: str) -> bool:
    """Whether it stands in the place of an address that is no longer kept."""
    return address.endswith(f"@{_DOMAIN}")


def token(chance: str) -> str:
    """An address that is none."""
    return f"{chance[:_TOKEN_CHARS]}@{_DOMAIN}"


def address_digest(project: str, address: str) -> bytes:
    """By which an address is known that is not kept, in any case of letters."""
    return hashlib.sha256(f"{len(project)}:{project}#{address.lower()}".encode()).digest()


def _mapped(message: Message, other: Callable[[Address], Address]) -> Message:
    return replace(
        message,
        sender=other(message.sender),
        to=tuple(map(other, message.to)),
        cc=tuple(map(other, message.cc)),
        bcc=tuple(map(other, message.bcc)),
        reply_to=tuple(map(other, message.reply_to)),
    )


def _and(message: Message, removed: Removed) -> tuple[Removed, ...]:
    return tuple(sorted({*message.removed, removed}))
