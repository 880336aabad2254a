"""kill -9 of a server that posts to a webhook: what it was posting comes once more with the same id, and all comes."""

import asyncio
import json
import os
import signal
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from standardwebhooks import Webhook as Judge

from crash.processes import installation, until
from server_kit import HOST

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
MAIL = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "s", "text": "t"}
ALLOWED = {"EVERPOST_WEBHOOKS_ALLOW": "127.0.0.0/8", "EVERPOST_WEBHOOKS_PLAIN_HTTP": "true"}
AGAIN_WITHIN_S = 90.0  # the dead server's turn has to end first
KILLS = 3
MAILS = 4  # before each


class Receiver:
    """Takes what is signed well. When it is told to strike, it does so between two moments that nobody can see apart
    from outside: its answer is out, and the server has not read it."""

    def __init__(self):
        self.got = []  # ids as posted, and of the events
        self.judge = None
        self.victim = None  # process id
        self.struck = asyncio.Event()
        self.struck_at = []  # ids

    @asynccontextmanager
    async def listening(self):
        async with await asyncio.start_server(self._serve, HOST, 0) as server:
            self.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/"
            yield self

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                event = self.judge.verify(body, headers)
                self.got.append((headers["webhook-id"], event["id"]))
                victim = self._victim_of(event)
                if victim is not None:
                    os.kill(victim, signal.SIGSTOP)
                writer.write(NO_CONTENT)
                await writer.drain()
                if victim is not None:
                    self.struck_at.append(headers["webhook-id"])
                    os.kill(victim, signal.SIGKILL)
                    self.struck.set()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def _victim_of(self, event):
        if self.victim is None or not event["type"].endswith("email.sent"):
            return None
        victim, self.victim = self.victim, None
        return victim


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_an_event_whose_answer_the_dead_server_never_saw_comes_twice_and_none_is_lost(tmp_path):
    async with installation(tmp_path) as place, Receiver().listening() as receiver:
        server = place.add_server()
        server.environ = ALLOWED
        await server.start()
        made = await place.call(server, "POST", "/v1/webhooks", {"url": receiver.url})
        receiver.judge = Judge(made["secret"])
        for _ in range(KILLS):
            receiver.struck.clear()
            receiver.victim = server.process.pid
            await asyncio.gather(
                *(place.call(server, "POST", "/v1/emails", MAIL) for _ in range(MAILS)), return_exceptions=True
            )
            async with asyncio.timeout(AGAIN_WITHIN_S):
                await receiver.struck.wait()
            await server.process.wait()
            await server.start()

        async def all_told():
            page = await place.call(server, "GET", "/v1/events?limit=1000")
            expected = {event["id"] for event in page["data"] if "message_id" in event["data"]}
            return expected <= {id_ for _, id_ in receiver.got}

        await until(all_told, AGAIN_WITHIN_S)
        count = Counter(id_ for id_, _ in receiver.got)
        assert len(receiver.struck_at) == KILLS
        assert all(count[id_] > strikes for id_, strikes in Counter(receiver.struck_at).items())
        assert len(set(receiver.got)) == len(count)  # an id is one event's, each time
        shown = await place.call(server, "GET", f"/v1/webhooks/{made['id']}")
        assert (shown["waiting"], shown["given_up"]) == (0, 0)
        print(json.dumps({"posted": len(receiver.got), "events": len(count)}))  # noqa: T201
