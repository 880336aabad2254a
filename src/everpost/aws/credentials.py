"""Where a process on AWS finds out who it is, in the order of AWS's own clients.

1. The environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` (Lambda sets them).
2. The container's endpoint: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI` (ECS, EKS, SnapStart).
3. The machine's metadata service, version 2 (EC2).
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from everpost.aws.signing import Credentials
from everpost.aws.transport import Lost, Request, Transport

CONTAINER_HOST: Final = "http://169.254.170.2"
METADATA_HOST: Final = "http://169.254.169.254"
METADATA_ROLE: Final = "/latest/meta-data/iam/security-credentials/"
METADATA_TOKEN_S: Final = 21_600
REFRESH_S: Final = 300.0  # before their end; AWS has new ones at least 5 minutes before
ASK_S: Final = 2.0  # these endpoints are on the machine itself


class NoCredentials(Exception):
    """Nobody says who this process is. The text tells what was tried."""


class _Answer(Struct, rename="pascal"):
    access_key_id: str
    secret_access_key: str
    token: str | None = None
    expiration: datetime | None = None


class CredentialChain:
    """The credentials of this process, asked for once and again shortly before they expire.

    `clock` tells the wall-clock time, in which AWS states the end of credentials.
    """

    def __init__(self, environ: Mapping[str, str], transport: Transport, clock: Callable[[], float]) -> None:
        self._environ = environ
        self._transport = transport
        self._clock = clock
        self._known: Credentials | None = None
        self._asking = asyncio.Lock()

    async def get(self) -> Credentials:
        """Raises NoCredentials."""
        async with self._asking:  # one asks, the others find its answer
            known = self._known
            if known is not None and not self._ends_within(known, REFRESH_S):
                return known
            try:
                self._known = await self._ask()
            except NoCredentials:
                if known is None or self._ends_within(known, 0.0):
                    raise
                return known  # good for some minutes yet, in which the endpoint may come back
            return self._known

    def forget(self) -> None:
        """AWS does not take them any more: the next caller asks for new ones."""
        self._known = None

    def _ends_within(self, known: Credentials, seconds: float) -> bool:
        return known.expires_at is not None and known.expires_at - self._clock() <= seconds

    async def _ask(self) -> Credentials:
        environ = self._environ
        if key := environ.get("AWS_ACCESS_KEY_ID"):
            return Credentials(
                access_key_id=key,
                secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY", ""),
                session_token=environ.get("AWS_SESSION_TOKEN"),
            )
        if relative := environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            return _read(await self._fetch("GET", CONTAINER_HOST + relative, self._container_token()))
        if full := environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return _read(await self._fetch("GET", full, self._container_token()))
        return await self._ask_machine()

    def _container_token(self) -> dict[str, str]:
        token = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        if file := self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = Path(file).read_text().strip()
        return {"Authorization": token} if token else {}

    async def _ask_machine(self) -> Credentials:
        wanted = {"X-aws-ec2-metadata-token-ttl-seconds": str(METADATA_TOKEN_S)}
        token = await self._fetch("PUT", f"{METADATA_HOST}/latest/api/token", wanted)
        proof = {"X-aws-ec2-metadata-token": token.decode()}
        role = await self._fetch("GET", METADATA_HOST + METADATA_ROLE, proof)
        return _read(await self._fetch("GET", METADATA_HOST + METADATA_ROLE + role.decode().strip(), proof))

    async def _fetch(self, method: str, url: str, headers: Mapping[str, str]) -> bytes:
        answer = await self._transport(Request(method=method, url=url, headers=headers), ASK_S)
        if isinstance(answer, Lost) or answer.status != 200:
            why = answer.text if isinstance(answer, Lost) else f"it answers {answer.status}"
            raise NoCredentials(
                f"no AWS credentials: AWS_ACCESS_KEY_ID is not set, and {url} gives none ({why}): set the variable, or"
                " give the function, task, pod or machine a role"
            )
        return answer.body


def _read(body: bytes) -> Credentials:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as error:
        raise NoCredentials(f"no AWS credentials: the endpoint's answer makes no sense ({error})") from error
    return Credentials(
        access_key_id=answer.access_key_id,
        secret_access_key=answer.secret_access_key,
        session_token=answer.token,
        expires_at=answer.expiration.timestamp() if answer.expiration else None,
    )
