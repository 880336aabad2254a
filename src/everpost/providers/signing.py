"""Signatures of incoming requests. Every comparison takes the same time, whatever is compared."""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


def is_hmac_sha256(secret: str, signed: bytes, signature: str) -> bool:
    """Of a signature in hexadecimal digits of small letters."""
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), signature.encode())


def is_hmac_sha1(secret: str, signed: bytes, signature: str) -> bool:
    """Of a signature in base64."""
    wanted = b64encode(hmac.new(secret.encode(), signed, hashlib.sha1).digest())
    return hmac.compare_digest(wanted, signature.encode(errors="surrogatepass"))


class Signer(Struct, frozen=True, kw_only=True):
    """Whose signature it has to be."""

    certificate: bytes  # in PEM
    issuers: bytes | None  # certificates in PEM, by one of which it is issued; None: that is known by where it lies


def is_rsa(signer: Signer, at: float, signed: bytes, signature: str, *, sha1: bool) -> bool:
    """Of a signature in base64, by PKCS#1 v1.5 over SHA-256 or SHA-1. Raises ValueError for a certificate that was no
    good at that time, and ImportError where the library that checks it is not installed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    key = _certified(signer, at)
    try:
        key.verify(b64decode(signature, validate=True), signed, padding.PKCS1v15(), SHA1() if sha1 else SHA256())  # noqa: S303
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _certified(signer: Signer, at: float) -> "RSAPublicKey":
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        certificate = x509.load_pem_x509_certificate(signer.certificate)
        issuers = [] if signer.issuers is None else x509.load_pem_x509_certificates(signer.issuers)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("no certificate") from error
    if not certificate.not_valid_before_utc.timestamp() <= at <= certificate.not_valid_after_utc.timestamp():
        raise ValueError("a certificate that is not valid at this time")

    def is_issuer(issuer: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    if signer.issuers is not None and not any(map(is_issuer, issuers)):
        raise ValueError("a certificate of another issuer")
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("a certificate of another kind than RSA")  # noqa: TRY004  it is the same fault
    return key


def is_standard_webhook(secret: str, signed: bytes, signatures: str) -> bool:
    """Whether one of these, parted by blanks, is a signature of version 1 of Standard Webhooks. Raises ValueError for
    what is no secret of theirs: `whsec_` and a key in base64."""
    prefix, _, key = secret.partition("_")
    if prefix != "whsec" or not key:
        raise ValueError("no secret of Standard Webhooks")
    digest = hmac.new(b64decode(key, validate=True), signed, hashlib.sha256).digest()
    wanted = b"v1," + b64encode(digest)
    given = signatures.encode(errors="surrogatepass").split(b" ")
    return any([hmac.compare_digest(wanted, each) for each in given])  # noqa: C419  each of them is compared


def is_ecdsa_p256(public_key: str, signed: bytes, signature: str) -> bool:
    """Of a signature in base64, in DER below it, over SHA-256. Raises ValueError for what is no public key of P-256
    (SubjectPublicKeyInfo in base64), and ImportError where the library that checks it is not installed."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(b64decode(public_key, validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("no public key in base64") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a public key of another kind than ECDSA on P-256")  # noqa: TRY004  whoever has set it has to mend it
    try:
        decoded = b64decode(signature, validate=True)
        key.verify(decoded, signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return b64encode(decoded).decode() == signature  # bits that base64 leaves over are no way to write it anew
