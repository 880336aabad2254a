"""Calls of AWS's services. The only place where a call is repeated: bounded, with jitter, within the caller's time."""

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote, urlencode
from xml.sax.saxutils import unescape

import msgspec
from msgspec import Struct

from everpost.aws.credentials import CredentialChain
from everpost.aws.errors import EXPIRED, AwsError, lost, refused
from everpost.aws.signing import Scope, signed
from everpost.aws.transport import Lost, Request, Response, Transport
from everpost.model.limits import ANSWER_BODY_BYTES_MAX

__all__ = ["AwsClient", "AwsError", "Site"]

WITHIN_S: Final = 10.0  # for a call with its repeats
TRY_S: Final = 3.0  # for one of them: a lost answer must not use up the whole time
TRY_S_MIN: Final = 0.02  # with less there is no use in trying, and a doubt to be gained
OBJECT_TRY_S: Final = 20.0  # for one with an object of some megabytes
PIECE_BYTES: Final = ANSWER_BODY_BYTES_MAX  # of an object that is read at once: no more than an answer may have
PAUSE_S: Final = 0.025  # before the first repeat, on average half of it
PAUSE_S_MAX: Final = 1.0
DOUBLINGS_MAX: Final = 8  # by then it has long been the longest

_XML_KEY: Final = re.compile(rb"<Key>([^<]*)</Key>")
_NO_HEADERS: Final[Mapping[str, str]] = {}


class _Protocol(NamedTuple):
    target: str  # what stands before the operation's name
    version: str  # of AWS's JSON protocol


PROTOCOLS: Final[Mapping[str, _Protocol]] = {
    "dynamodb": _Protocol("DynamoDB_20120810", "1.0"),
    "kinesis": _Protocol("Kinesis_20131202", "1.1"),
    "secretsmanager": _Protocol("secretsmanager", "1.1"),
    "sqs": _Protocol("AmazonSQS", "1.0"),
    "ssm": _Protocol("AmazonSSM", "1.1"),
}

_ENDPOINT_VARIABLES: Final[Mapping[str, str]] = {
    "": "AWS_ENDPOINT_URL",
    "dynamodb": "AWS_ENDPOINT_URL_DYNAMODB",
    "kinesis": "AWS_ENDPOINT_URL_KINESIS",
    "s3": "AWS_ENDPOINT_URL_S3",
    "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "sqs": "AWS_ENDPOINT_URL_SQS",
    "ssm": "AWS_ENDPOINT_URL_SSM",
}


class Site(Struct, frozen=True, kw_only=True):
    """Where AWS is."""

    region: str
    endpoints: Mapping[str, str] = {}  # by service; "" holds for those that are not named

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """By the variables of AWS's own clients: AWS_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>."""
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
        if not region:
            raise ValueError("no AWS region: set AWS_REGION, for example to eu-central-1")
        given = {service: environ.get(name, "") for service, name in _ENDPOINT_VARIABLES.items()}
        return cls(region=region, endpoints={service: url for service, url in given.items() if url})

    def endpoint(self, service: str) -> str:
        given = self.endpoints.get(service) or self.endpoints.get("")
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return given.rstrip("/") if given else f"https://{service}.{self.region}.{suffix}"


class AwsClient:
    """`clock` is wall-clock time, which signatures carry; `chance` gives numbers from 0 to 1 for the pauses."""

    def __init__(
        self,
        transport: Transport,
        credentials: CredentialChain,
        site: Site,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._site = site
        self._clock = clock
        self._chance = chance

    async def call(
        self,
        service: str,
        operation: str,
        payload: Mapping[str, Any],
        *,
        within_s: float = WITHIN_S,
        repeat_lost: bool = True,
    ) -> dict[str, Any]:
        """What the service answers. Raises AwsError.

        What was throttled, what has met a conflict and what AWS has failed at is repeated within the time. With
        `repeat_lost` so is what may have been done: only for a call that does no harm if it is done twice.
        """
        protocol = PROTOCOLS[service]
        headers = {
            "Content-Type": f"application/x-amz-json-{protocol.version}",
            "X-Amz-Target": f"{protocol.target}.{operation}",
        }
        url = f"{self._site.endpoint(service)}/"
        request = Request(method="POST", url=url, headers=headers, body=msgspec.json.encode(payload))
        response = await self._repeated(service, request, within_s, repeat_lost=repeat_lost)
        answer: dict[str, Any] = msgspec.json.decode(response.body) if response.body else {}
        return answer

    async def put_object(self, bucket: str, key: str, body: bytes, *, within_s: float = WITHIN_S) -> None:
        await self._object("PUT", bucket, key, within_s, body=body)

    async def get_object(self, bucket: str, key: str, *, within_s: float = WITHIN_S) -> bytes:
        """In pieces, each within the time. Raises AwsError, with the code `NoSuchKey` if there is none."""
        pieces: list[bytes] = []
        have = 0
        while True:
            wanted = {"Range": f"bytes={have}-{have + PIECE_BYTES - 1}"}
            answer = await self._object("GET", bucket, key, within_s, headers=wanted)
            pieces.append(answer.body)
            have += len(answer.body)
            if have >= _object_bytes(answer):
                return b"".join(pieces)

    async def list_objects(self, bucket: str, prefix: str, *, after: str = "", within_s: float = WITHIN_S) -> list[str]:
        """Keys that start so, in the order of their bytes, of those behind `after` the first ones (up to 1,000)."""
        asked = {"list-type": "2", "prefix": prefix} | ({"start-after": after} if after else {})
        url = f"{self._site.endpoint('s3')}/{bucket}?{urlencode(asked, quote_via=quote)}"
        request = Request(method="GET", url=url, headers=_NO_HEADERS)
        answer = await self._repeated("s3", request, within_s, repeat_lost=True)
        return [unescape(key.decode()) for key in _XML_KEY.findall(answer.body)]

    async def delete_object(self, bucket: str, key: str, *, within_s: float = WITHIN_S) -> None:
        """Done also if there was none."""
        await self._object("DELETE", bucket, key, within_s)

    async def _object(
        self,
        method: str,
        bucket: str,
        key: str,
        within_s: float,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> Response:
        url = f"{self._site.endpoint('s3')}/{bucket}/{quote(key, safe='/~')}"
        request = Request(method=method, url=url, headers=headers, body=body)
        return await self._repeated("s3", request, within_s, repeat_lost=True)

    async def _repeated(self, service: str, request: Request, within_s: float, *, repeat_lost: bool) -> Response:
        time_ = asyncio.get_running_loop().time
        ends_at = time_() + within_s
        longest_s = OBJECT_TRY_S if service == "s3" else TRY_S
        maybe_done = False
        for tries in count():
            try:
                return await self._once(service, request, min(longest_s, ends_at - time_()))
            except AwsError as error:
                maybe_done = error.maybe_done = maybe_done or error.maybe_done
                pause_s = self._pause_s(tries)
                is_over = time_() + pause_s + TRY_S_MIN > ends_at
                if is_over or not error.repeatable or (maybe_done and not repeat_lost):
                    raise
            await asyncio.sleep(pause_s)
        raise AssertionError  # it counts without end

    async def pause(self, tries: int) -> None:
        """Before what AWS has left undone is asked for again; `tries` were made before."""
        await asyncio.sleep(self._pause_s(tries))

    def _pause_s(self, tries: int) -> float:
        longest_s: float = min(PAUSE_S * 2.0 ** min(tries, DOUBLINGS_MAX), PAUSE_S_MAX)
        return self._chance() * longest_s

    async def _once(self, service: str, request: Request, seconds: float) -> Response:
        credentials = await self._credentials.get()
        scope = Scope(self._site.region, service)
        answer = await self._transport(signed(request, credentials, scope, self._clock()), seconds)
        if isinstance(answer, Lost):
            raise lost(answer)
        if answer.status >= 300:
            error = refused(answer)
            if error.code in EXPIRED:
                self._credentials.forget()
            raise error
        return answer


def _object_bytes(answer: Response) -> int:
    """How large the object is that this answer has a piece of."""
    if answer.status == 206:
        return int(answer.headers["content-range"].rpartition("/")[2])
    return len(answer.body)
