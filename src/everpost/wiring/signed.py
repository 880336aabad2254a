"""Requests to AWS are signed as they leave: a signature holds for minutes, and the credentials of a role for hours."""

import time
from typing import TYPE_CHECKING, Final

from everpost.engine.wire import NetworkWire
from everpost.model.account import Timeouts
from everpost.providers.aws import AwsSigning
from everpost.providers.contract import Answer, Fault, HttpRequest, HttpResponse, Phase, Request

if TYPE_CHECKING:
    from everpost.aws import Credentials
    from everpost.wiring.cloud import Cloud

EXPIRED: Final = "ExpiredToken"


class SigningWire:
    """Sends as another wire does. Nothing of AWS is imported before the first request that is to be signed."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._wire: NetworkWire = cloud.wire

    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        if not isinstance(request, HttpRequest) or request.signing is None:
            return await self._wire.send(request, timeouts, not_after)
        from everpost.aws.credentials import NoCredentials
        from everpost.wiring.aws import signed_request

        signing = request.signing
        try:
            credentials = await self._credentials(signing)
        except NoCredentials as error:
            return Fault(phase=Phase.CONNECT, maybe_sent=False, text=str(error))
        answer = await self._wire.send(signed_request(request, signing, credentials, time.time()), timeouts, not_after)
        if signing.access_key_id is None and isinstance(answer, HttpResponse) and _is_expired(answer):
            self._cloud.credentials.forget()
        return answer

    async def close(self) -> None:
        await self._wire.close()

    async def _credentials(self, signing: AwsSigning) -> "Credentials":
        from everpost.aws import Credentials

        if signing.access_key_id is None:
            return await self._cloud.credentials.get()
        return Credentials(
            access_key_id=signing.access_key_id,
            secret_access_key=signing.secret_access_key or "",
            session_token=signing.session_token,
        )


def _is_expired(answer: HttpResponse) -> bool:
    return EXPIRED in answer.headers.get("x-amzn-errortype", "") or EXPIRED.encode() in answer.body
