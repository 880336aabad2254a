"""Signature Version 4: proves to AWS who is asking, and that nobody has changed what is asked. Pure.

The steps are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hmac
import time
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from everpost.aws.transport import Request

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_KEYS_MAX: Final = 16  # signing keys that are kept: one a day, region, service and secret
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Credentials(Struct, frozen=True, kw_only=True):
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expires_at: float | None = None  # None: never


class Scope(Struct, frozen=True):
    """Where a signature holds."""

    region: str
    service: str


def signed(request: Request, credentials: Credentials, scope: Scope, at: float) -> Request:
    """The request with the headers that prove who makes it. `at` is wall-clock time: AWS refuses signatures that are
    off by more than 5 minutes (S3: 15)."""
    instant = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    digest = sha256(request.body).hexdigest()
    headers = {**request.headers, "X-Amz-Date": instant}
    if credentials.session_token is not None:
        headers["X-Amz-Security-Token"] = credentials.session_token
    if scope.service == "s3":
        headers["X-Amz-Content-Sha256"] = digest
    names, canonical = _canonical(replace(request, headers=headers), scope, digest)
    signature = _signature(canonical, credentials, scope, instant)
    credential = f"{credentials.access_key_id}/{_place(scope, instant)}"
    headers["Authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return replace(request, headers=headers)


def presigned(url: str, credentials: Credentials, scope: Scope, at: float, lasts_s: int) -> str:
    """The URL of a GET, which has a query, as a proof that can be given away. It holds for `lasts_s`."""
    instant = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    proof = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{_place(scope, instant)}",
        "X-Amz-Date": instant,
        "X-Amz-Expires": str(lasts_s),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token is not None:
        proof["X-Amz-Security-Token"] = credentials.session_token
    url = f"{url}&{urlencode(proof)}"
    _, canonical = _canonical(Request(method="GET", url=url, headers={}), scope, sha256(b"").hexdigest())
    return f"{url}&X-Amz-Signature={_signature(canonical, credentials, scope, instant)}"


def _signature(canonical: str, credentials: Credentials, scope: Scope, instant: str) -> str:
    to_sign = "\n".join((ALGORITHM, instant, _place(scope, instant), sha256(canonical.encode()).hexdigest()))
    key = _key(credentials.secret_access_key, instant[:8], scope)
    return hmac.new(key, to_sign.encode(), sha256).hexdigest()


def _place(scope: Scope, instant: str) -> str:
    return f"{instant[:8]}/{scope.region}/{scope.service}/aws4_request"


def _canonical(request: Request, scope: Scope, digest: str) -> tuple[str, str]:
    """The names of the headers that are signed, and the request in the form whose digest is signed."""
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    if parts.port not in (None, _DEFAULT_PORTS.get(parts.scheme)):
        host = f"{host}:{parts.port}"
    headers = {"host": host} | {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    names = ";".join(sorted(headers))
    path = parts.path or "/"
    canonical = (
        request.method,
        path if scope.service == "s3" else quote(path, safe="/~"),  # S3 alone encodes paths once
        _query(parts.query),
        *(f"{name}:{headers[name]}" for name in sorted(headers)),
        "",
        names,
        digest,
    )
    return names, "\n".join(canonical)


def _query(query: str) -> str:
    split = (pair.partition("=") for pair in query.split("&") if pair)
    pairs = sorted((quote(unquote(name), safe="~"), quote(unquote(value), safe="~")) for name, _, value in split)
    return "&".join(f"{name}={value}" for name, value in pairs)


@lru_cache(_KEYS_MAX)
def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
