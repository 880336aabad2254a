"""Links of one-click unsubscription (RFC 8058): which mail one is for, provably, and without an address."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from everpost.model.message import Message

HEADER: Final = "List-Unsubscribe"
POST_HEADER: Final = "List-Unsubscribe-Post"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"
_PROOF_BYTES: Final = 18  # 144 bits, and no padding in base64
_PURPOSE: Final = "unsubscribe:"  # so that no other signature by the same secret fits


def token_of(message_id: str, secret: bytes) -> str:
    return f"{message_id}.{_proof(message_id, secret)}"


def message_of(token: str, secrets: Iterable[bytes]) -> str | None:
    """The id of the mail; None: none of these secrets has made the token."""
    message_id, _, proof = token.partition(".")
    given = proof.encode()
    is_ours = [hmac.compare_digest(given, _proof(message_id, secret).encode()) for secret in secrets]
    return message_id if any(is_ours) else None


def with_link(message: Message, url: str) -> Message:
    return replace(message, headers=message.headers | {HEADER: f"<{url}>", POST_HEADER: ONE_CLICK})


def _proof(message_id: str, secret: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(secret, f"{_PURPOSE}{message_id}".encode(), "sha256")[:_PROOF_BYTES]).decode()
