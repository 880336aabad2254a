"""Events by SNS, or by a service that speaks as it does: each in an envelope that is signed by a key whose certificate
lies at the sandbox provider itself. Before the first one comes a request to confirm that they are wanted."""

import datetime as dt
import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.sandbox.events import Post, Told, iso

SIGNED: Final = {  # by type, in order
    "Notification": ("Message", "MessageId", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
CERTIFICATE: Final = "/SimpleNotificationService-sandbox.pem"
YEAR: Final = dt.timedelta(days=365)


class Notifications:
    """Of one topic. Raises ImportError where the library for its signatures is not installed."""

    def __init__(self, topic: str) -> None:
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.hazmat.primitives.hashes import SHA256

        key = rsa.generate_private_key(65537, 2048)
        self.secret = topic
        self.documents: Mapping[str, bytes] = {CERTIFICATE: _certificate(key), "/": b"<ConfirmSubscriptionResponse/>"}
        self._sign: Callable[[bytes], bytes] = lambda signed: key.sign(signed, padding.PKCS1v15(), SHA256())
        self._base_url = ""
        self._is_new = True

    def settings(self, url: str, base_url: str) -> dict[str, str]:  # noqa: ARG002  see Particular
        self._base_url = base_url
        return {"webhook_topics": self.secret}

    def wrapped(self, events: Sequence[tuple[Told, Any]], now: float) -> Iterator[Post]:
        if self._is_new:
            self._is_new = False
            url = f"{self._base_url}/?Action=ConfirmSubscription&TopicArn={self.secret}&Token=sandbox"
            words = {"Message": "You have chosen to subscribe.", "Token": "sandbox", "SubscribeURL": url}
            yield self._signed({"Type": "SubscriptionConfirmation", "MessageId": "sandbox"} | words, now)
        for told, event in events:
            message = msgspec.json.encode(event).decode()
            yield self._signed({"Type": "Notification", "MessageId": _uuid(told), "Message": message}, now)

    def _signed(self, told: dict[str, Any], now: float) -> Post:
        whole = told | {"TopicArn": self.secret, "Timestamp": iso(now)}
        lines = "".join(f"{name}\n{whole[name]}\n" for name in SIGNED[whole["Type"]])
        signature = b64encode(self._sign(lines.encode())).decode()
        proof = {"SignatureVersion": "2", "Signature": signature, "SigningCertURL": self._base_url + CERTIFICATE}
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": told["Type"]}
        return Post(msgspec.json.encode(whole | proof), headers)


def _uuid(told: Told) -> str:
    return hashlib.sha256(told.id.encode()).hexdigest()[:32]


def _certificate(key: Any) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - YEAR).not_valid_after(now + YEAR)
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM)
