"""A handler: one event loop and one engine, for as long as its execution environment lives."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol

from everpost.entrypoints.aws.lines import Lines
from everpost.settings import ConfigFault
from everpost.wiring import PartUnavailable, Role, assembled, read_settings
from everpost.wiring.cloud import Cloud

CONFIG: Final = "everpost.toml"
HALTED_S: Final = 0.1  # after so long without an invocation, what was read before is read anew
ROLES: Final = {
    "send_email": Role.CALL,
    "get_email_provider": Role.READER,
    "set_email_provider": Role.CONSOLE,
    "api": Role.CALL,
    "deliver": Role.DELIVER,
    "relay": Role.RELAY,
    "hooks": Role.HOOKS,
}
_log = logging.getLogger(__name__)

Work = Callable[[Any, float], Awaitable[Any]]
"""From an event, and the seconds that are left for it, to the result."""


class Misconfigured(Exception):
    """The function can't start; says all that has to be mended."""


class Context(Protocol):
    """What Lambda tells of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


class Function:
    """All that can be done once is done when it is made, which is before the first event comes."""

    def __init__(self, name: str, environ: Mapping[str, str] = os.environ) -> None:
        self._lines = Lines(environ.get("EVERPOST_LOG_LEVEL") or "info")
        self._open = AsyncExitStack()  # never closed: Lambda ends an environment without a word
        self._runner = asyncio.Runner()
        self._ended_at = time.time()  # the last invocation, by the wall clock: the other may be halted with the process
        try:
            self._work = self._runner.run(self._prepared(name, environ))
        except Misconfigured:
            raise
        except PartUnavailable as error:
            raise Misconfigured(str(error)) from error
        except Exception as error:  # an AttributeError would be told as a handler that is missing
            _log.exception("the function can't start")
            raise Misconfigured(f"the function can't start: {type(error).__name__}: {error}") from error

    def __call__(self, event: Any, context: Context) -> Any:
        self._lines.invocation = context.aws_request_id
        return self._runner.run(self._invoked(event, context.get_remaining_time_in_millis() / 1000))

    async def _invoked(self, event: Any, left_s: float) -> Any:
        if time.time() - self._ended_at > HALTED_S:
            self._engine.awake()
        try:
            if self._engine.rotation is not None:
                await self._engine.rotation.step()
            return await self._work(event, left_s)
        finally:
            self._ended_at = time.time()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                _log.error("a task is left, and halted with the process", extra={"origin": repr(task.get_coro())})

    async def _prepared(self, name: str, environ: Mapping[str, str]) -> Work:
        cloud = Cloud(environ)
        settings = await read_settings(environ.get("EVERPOST_CONFIG") or CONFIG, cloud)
        if isinstance(settings, list):
            raise Misconfigured("; ".join(map(_told, settings)))
        for doubt in settings.warnings:
            _log.warning("%s %s", doubt.key, doubt.message)
        role = ROLES[name]
        self._engine = engine = await self._open.enter_async_context(assembled(settings, role, cloud))
        engine.keyring.notes_uses = role is not Role.READER
        match role:
            case Role.DELIVER:
                from everpost.entrypoints.aws.delivering import Delivering

                return Delivering(engine)
            case Role.RELAY:
                from everpost.entrypoints.aws.relaying import Relaying

                return Relaying(engine, environ.get("AWS_LAMBDA_FUNCTION_NAME", name), self._lines)
            case Role.HOOKS:
                from everpost.entrypoints.aws.hooking import Hooking

                return Hooking(engine, settings.http, environ.get("AWS_LAMBDA_FUNCTION_NAME", name), self._lines)
            case _:
                from everpost.entrypoints.aws.web import Web

                return Web(engine, name, settings.http)


def _told(fault: ConfigFault) -> str:
    return f"{fault.key} {fault.message}" + (f" ({fault.hint})" if fault.hint else "")
