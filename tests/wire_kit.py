"""What the tests of the wire share: patient time-outs, requests, and a caller that checks the one thing that is never
allowed to be wrong."""

import math
import ssl
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import trustme

from everpost.engine.wire import NetworkWire
from everpost.model.account import Timeouts
from everpost.providers.contract import (
    Answer,
    Fault,
    HttpRequest,
    Phase,
    Security,
    SmtpProbe,
    SmtpReply,
    SmtpRequest,
    SmtpStage,
)
from scripted_server import LOOPBACK, ScriptedServer

PATIENT_S = 20.0
HASTY_S = 0.5
"""Time for what is not meant to hang, on a busy machine, before that which does."""
LARGE = 6 * 1024 * 1024
"""Bytes of a body that no socket's buffers take in while nobody reads."""
ABSORBED = 1024 * 1024
"""Bytes of a body that the sockets' buffers take in though nobody reads."""
MAIL = b"Subject: Hello\r\n\r\nIt works.\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def patient(**short: float) -> Timeouts:
    """Time-outs that don't run out on a busy machine, but for those that are named."""
    return Timeouts(**{"connect_s": PATIENT_S, "write_s": PATIENT_S, "answer_s": PATIENT_S} | short)


@lru_cache
def body_of(size: int) -> bytes:
    """Bytes that tell when one of them is missing or out of place."""
    return Random(size).randbytes(size)


def post(server: ScriptedServer, size: int = 100, path: str = "/mail") -> HttpRequest:
    return HttpRequest(method="POST", url=server.url + path, headers={"X-Kind": "test"}, body=body_of(size))


def get(server: ScriptedServer, path: str = "/mail") -> HttpRequest:
    return HttpRequest(method="GET", url=server.url + path, headers={})


def mail_for(server: Any, **changed: Any) -> SmtpRequest:
    usual: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "security": Security.NONE,
        "username": None,
        "password": None,
        "mail_from": "ann@example.com",
        "rcpt_to": ("bob@example.org", "eve@example.org"),
        "data": MAIL,
    }
    return SmtpRequest(**usual | changed)


def probe_of(mail: SmtpRequest) -> SmtpProbe:
    """The same session without the mail."""
    return SmtpProbe(**{name: getattr(mail, name) for name in SmtpProbe.__struct_fields__})


def server_tls(authority: trustme.CA, name: str = LOOPBACK, **options: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, **options).configure_cert(context)
    return context


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Caller:
    """Sends by the wire, and holds every fault against what the server has read."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.clock = Clock()
        self.wire = NetworkWire(monotonic=self.clock, tls=tls)

    async def __call__(
        self, server: Any, request: Any, timeouts: Timeouts | None = None, not_after: float = math.inf
    ) -> Answer:
        before = len(server.requests)
        answer = await self.wire.send(request, timeouts or patient(), not_after)
        if isinstance(answer, Fault) and not answer.maybe_sent:
            assert len(server.requests) == before, f"the server has read it all, but the wire says: {answer}"
        return answer


def outcome(answer: Answer) -> tuple[Phase, bool] | int:
    """Phase and maybe_sent of a fault, or the status of an HTTP answer."""
    return (answer.phase, answer.maybe_sent) if isinstance(answer, Fault) else getattr(answer, "status", -1)


def smtp_outcome(answer: Answer) -> tuple[Phase, bool] | tuple[SmtpStage, int]:
    """The same of an SMTP transaction; of a reply its stage and code."""
    assert isinstance(answer, Fault | SmtpReply)
    return (answer.phase, answer.maybe_sent) if isinstance(answer, Fault) else (answer.stage, answer.code)
