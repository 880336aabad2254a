"""What a webhook names is fetched from public addresses only, once, and within bounds."""

import asyncio
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from everpost.engine.clock import SystemClock
from everpost.engine.documents import BYTES_MAX, KEPT_MAX, KEPT_S, Documents, OutOfReach
from everpost.engine.wire import Guard, NetworkWire
from everpost.model.limits import WEBHOOK_ANSWER_BYTES_MAX

HERE = ip_network("127.0.0.0/8")


class Clock(SystemClock):
    ahead_s = 0.0

    def monotonic(self):
        return super().monotonic() + self.ahead_s


@asynccontextmanager
async def house(answer=b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\npem", allow=(HERE,)):
    """Documents, the address of a server that answers so, and what it was asked."""
    asked = []

    open_ = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport
            open_.append(transport)

        def data_received(self, data):
            asked.append(data.partition(b"\r\n")[0])
            self.transport.write(answer)

    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    guard, clock = Guard(allow, plain_http=True), Clock()
    documents = Documents(NetworkWire(guard=guard, body_bytes_max=WEBHOOK_ANSWER_BYTES_MAX), guard, clock)
    try:
        yield documents, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked, clock
    finally:
        await documents.close()
        server.close()
        for transport in open_:
            transport.abort()
        await asyncio.sleep(0)  # transports tell their protocols in the next turn of the loop


async def test_a_document_is_fetched_once_a_day():
    async with house() as (documents, url, asked, clock):
        assert [await documents.read(f"{url}/a.pem") for _ in range(3)] == [b"pem"] * 3
        assert asked == [b"GET /a.pem HTTP/1.1"]
        clock.ahead_s = KEPT_S + 1
        await documents.read(f"{url}/a.pem")
        assert len(asked) == 2


async def test_of_many_the_ones_that_were_asked_for_last_are_kept():
    async with house() as (documents, url, asked, _):
        for number in range(KEPT_MAX + 1):
            await documents.read(f"{url}/{number}.pem")
        for number in (0, KEPT_MAX):
            await documents.read(f"{url}/{number}.pem")
        assert asked[KEPT_MAX + 1 :] == [b"GET /0.pem HTTP/1.1"]


async def test_what_is_not_public_is_not_even_connected_to():
    async with house(allow=()) as (documents, url, asked, _):
        port = url.rpartition(":")[2]
        for where in (url, f"http://localhost.localdomain:{port}", f"http://[::ffff:127.0.0.1]:{port}"):
            with pytest.raises(OutOfReach):
                await documents.read(f"{where}/a.pem")
        assert asked == []


LARGE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (BYTES_MAX + 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 302 Found\r\nlocation: /b.pem\r\ncontent-length: 0\r\n\r\n", "answered 302"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "answered 404"),
        (LARGE + b"x" * (BYTES_MAX + 1), "can't be read"),
        (b"nonsense\r\n\r\n", "can't be read"),
    ],
)
async def test_nothing_but_a_whole_document_is_taken(answer, why):
    async with house(answer) as (documents, url, asked, _):
        for _ in range(2):
            with pytest.raises(OutOfReach, match=why):
                await documents.read(f"{url}/a.pem")
        assert asked == [b"GET /a.pem HTTP/1.1"] * 2
