"""Signatures of Standard Webhooks, symmetric and of version 1 (https://www.standardwebhooks.com); and those by ECDSA on
P-256, by a private key that is made of the same secret. For the latter, a library is needed that is an extra (ADR 44).
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from everpost.model.webhook import SigningKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32  # the standard asks for 24 to 64
_ID_BYTES: Final = 16
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-5


def secret_of(key: bytes) -> str:
    return PREFIX + base64.b64encode(key).decode()


def webhook_id(project: str, event_id: str) -> str:
    """The id that an event is posted under, each time. No full stop may be in it: that parts what is signed."""
    digest = hashlib.sha256(f"{project}\n{event_id}".encode()).digest()[:_ID_BYTES]
    return "evt_" + base64.b32encode(digest).decode().rstrip("=").lower()


def headers(keys: Iterable[SigningKey], id_: str, now: float, body: bytes) -> dict[str, str]:
    """What is sent with a body: its id, the time, and a signature by every key that still signs."""
    timestamp = int(now)
    signatures = [_signature(key, id_, timestamp, body) for key in keys if key.until is None or now < key.until]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def signs_by_key_pair() -> bool:
    """Whether the library for that is installed."""
    return find_spec("cryptography") is not None


def verification_key(secret: str) -> str:
    """The public key that belongs to a secret: SubjectPublicKeyInfo in base64. Raises ImportError."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = _private_key(secret).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(public).decode()


def by_key_pair(secret: str, signed: bytes) -> str:
    """By ECDSA on P-256 with SHA-256: DER in base64. Raises ImportError."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    return base64.b64encode(_private_key(secret).sign(signed, ec.ECDSA(SHA256()))).decode()


def _private_key(secret: str) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(int.from_bytes(_key(secret)) % (_P256_ORDER - 1) + 1, ec.SECP256R1())


def _signature(key: SigningKey, id_: str, timestamp: int, body: bytes) -> str:
    digest = hmac.new(_key(key.secret), f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
