"""Requests, by the product's own HTTP room."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from everpost import __version__
from everpost.engine.engine import Engine
from everpost.entrypoints.aws.events import Answered, Asked, read_request, render
from everpost.entrypoints.http import paths
from everpost.entrypoints.http.asgi_types import Message
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.door import Door
from everpost.entrypoints.http.figures import Figures, Uncounted
from everpost.entrypoints.http.mail_operations import ORIGINAL
from everpost.entrypoints.http.operation import Operation
from everpost.entrypoints.http.origins import Origins
from everpost.settings import HttpSettings

END_S: Final = 4.0  # before the function's own end: nobody waits for a hand-over any more
FINISH_S: Final = 1.0  # an attempt in flight is waited for, once its caller's answer is there
_NAMES: Final = {
    "send_email": "sendEmail",
    "get_email_provider": "getEmailProvider",
    "set_email_provider": "setEmailProvider",
}


class Web:
    """The whole API, what providers call, or one of the original operations, whatever path leads to that."""

    def __init__(self, engine: Engine, name: str, http: HttpSettings, metrics: Figures | None = None) -> None:
        self._engine = engine
        self._only = next((each for each in ORIGINAL if each.id == _NAMES.get(name)), None)
        self._base_path = unquote(urlsplit(http.public_url or "").path).rstrip("/")
        services = Services(
            acceptor=engine.acceptor,
            console=engine.console,
            desk=engine.desk,
            bulk=engine.bulk,
            intake=engine.intake,
            groups=engine.groups,
            keyring=engine.keyring,
            clock=engine.ports.clock,
            ingestor=engine.ingestor if name == "hooks" else None,
            metrics=metrics or Uncounted(),
            inbox=None,
            version=__version__,
            origins=Origins(http.page_origins),
            keys=engine.keys,
        )
        operations = [self._only] if self._only is not None else _operations(services)
        self._door = Door(services, operations)
        self._takes_mail = [(each, paths.compiled(each.path)) for each in operations if each.takes_mail]

    async def __call__(self, event: Any, left_s: float) -> dict[str, Any]:
        asked = read_request(event, self._base_path)
        path = asked.path if self._only is None else self._only.path
        mail = self._mail_operation(asked.method, path)
        if mail is None:
            answered = await self._answered(asked, path)
        elif not _waits(asked, mail):
            answered = await self._answered(asked, path)
            await self._engine.hand_on()
        else:
            async with self._engine.delivering(left_s - END_S, FINISH_S):
                answered = await self._answered(asked, path)
            await self._engine.hand_on()
        await self._engine.keyring.settled()
        return render(answered, asked.version)

    def _mail_operation(self, method: str, path: str) -> Operation | None:
        """What the request brings mail to, if it does."""
        found = (each for each, pattern in self._takes_mail if each.method == method and pattern.match(path))
        return next(found, None)

    async def _answered(self, asked: Asked, path: str) -> Answered:
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        scope = {
            "type": "http",
            "method": asked.method,
            "path": path,
            "query_string": asked.query,
            "headers": asked.headers,
        }
        await self._door(scope, receive, send)
        start, end = said
        return Answered(status=start["status"], headers=start["headers"], body=end["body"])


def _operations(services: Services) -> Sequence[Operation]:
    if services.ingestor is not None:
        from everpost.entrypoints.http.hooks import HOOKS

        return HOOKS
    from everpost.entrypoints.http.app import served

    return served(services)


def _waits(asked: Asked, mail: Operation) -> bool:
    """Whether its caller may wait for the hand-over."""
    return mail.legacy or any(name == b"prefer" for name, _ in asked.headers)
