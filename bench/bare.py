"""What the accept rate is compared with: a usual server in the same setting that does nothing.

uvicorn on uvloop as `everpost serve` starts it, Starlette's router, a body that is read to its end, and a constant
answer of the size and with the headers of Everpost's own. `python bench/bare.py PORT`.
"""

import asyncio
import sys

import uvicorn
import uvloop
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

BODY = b'{"id":"em_' + b"0" * 26 + b'","state":"queued","recipients":[{"email":"' + b"x" * 100 + b'"}],"attempts":[]}'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
    (b"x-request-id", b"0" * 24),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"location", b"/v1/emails/em_" + b"0" * 26),
]


class Endpoint:
    """A class, since Starlette takes a function for a handler of its own kind."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        chunks, more = [], True
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 202, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


def config(port: int) -> uvicorn.Config:
    return uvicorn.Config(
        Router([Route("/v1/emails", Endpoint())]),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        backlog=2048,
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config(int(sys.argv[1]))).serve())
