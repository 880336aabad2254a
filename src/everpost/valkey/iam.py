"""ElastiCache's login by IAM: a signed request that is never made is the password.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html: a token holds for 15 minutes, a connection for 12
hours, and for 12 more when it logs in again.
"""

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from everpost.aws import CredentialChain
from everpost.aws.credentials import NoCredentials
from everpost.aws.signing import Scope, presigned
from everpost.valkey.login import ValkeyUnavailable

TOKEN_S: Final = 900
CONNECTION_S: Final = 11 * 3600.0  # well before ElastiCache ends it
SCHEME: Final = "http://"


class IamLogin:
    """`cache` is the name of the replication group or of the serverless cache, in lower case; the name of the user has
    to be its id, as ElastiCache demands. `clock` is wall-clock time."""

    lasts_s = CONNECTION_S

    def __init__(
        self,
        user: str,
        cache: str,
        credentials: CredentialChain,
        region: str,
        *,
        serverless: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        query = {"Action": "connect", "User": user} | ({"ResourceType": "ServerlessCache"} if serverless else {})
        self._user = user
        self._url = f"{SCHEME}{cache}/?{urlencode(query)}"
        self._credentials = credentials
        self._scope = Scope(region, "elasticache")
        self._clock = clock

    async def __call__(self) -> tuple[str, str]:
        try:
            credentials = await self._credentials.get()
        except NoCredentials as error:
            raise ValkeyUnavailable(str(error)) from error
        token = presigned(self._url, credentials, self._scope, self._clock(), TOKEN_S)
        return self._user, token.removeprefix(SCHEME)
