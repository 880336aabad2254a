"""Envelopes of SNS, and the certificates that they are signed by."""

import datetime as dt
import json
from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from everpost.providers.sns import canonical
from hook_senders import hook_request
from store_values import NOW

YEARS_S = 20 * 365 * 86_400
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)


def instant(at):
    return dt.datetime.fromtimestamp(at, dt.UTC)


def certified(key=KEY, issuer_key=None, start=NOW - YEARS_S, end=NOW + YEARS_S):
    """A certificate in PEM; by itself, or by an authority."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    issuer = subject if issuer_key is None else AUTHORITY_NAME
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(instant(start))
        .not_valid_after(instant(end))
    )
    return built.sign(issuer_key or key, SHA256()).public_bytes(Encoding.PEM)


AUTHORITY_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority.example")])


def authority(key=OTHER_KEY):
    built = x509.CertificateBuilder().subject_name(AUTHORITY_NAME).issuer_name(AUTHORITY_NAME)
    built = built.public_key(key.public_key()).serial_number(2)
    built = built.not_valid_before(instant(NOW - YEARS_S)).not_valid_after(instant(NOW + YEARS_S))
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM)


def notification(message, topic, certificate, at=NOW, **fields):
    return {
        "Type": "Notification",
        "MessageId": "22b80b92",
        "TopicArn": topic,
        "Subject": None,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": f"{instant(at):%Y-%m-%dT%H:%M:%S.000Z}",
        "SigningCertURL": certificate,
    } | fields


def confirmation(kind, topic, certificate, subscribe, **fields):
    told = {
        "Type": kind,
        "Token": "t-1",
        "SubscribeURL": f"{subscribe}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t-1",
    }
    return notification("You have chosen.", topic, certificate, **(told | fields))


def signed(told, at=NOW, key=KEY, version="2", headers=None):
    """The request that brings it."""
    hash_ = SHA1() if version == "1" else SHA256()
    signature = b64encode(key.sign(canonical(told), padding.PKCS1v15(), hash_)).decode()
    body = json.dumps(told | {"SignatureVersion": version, "Signature": signature}).encode()
    return hook_request(body, {"x-amz-sns-message-type": told["Type"]} | (headers or {}), at)
