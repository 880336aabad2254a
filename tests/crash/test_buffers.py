"""What a process leaves in its kernel when it is killed or frozen: no request may leave this machine long after."""

import asyncio
import signal
import socket
import sys
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from crash.processes import until

WINDOW_BYTES = 4096  # what the provider's machine takes in while the provider reads nothing
ANSWER_S = 2.0
GIVEN_UP_WITHIN_S = 20.0  # else the kernel goes on trying: for minutes
END = b"the last bytes of the mail"
SENDER = f"""
import asyncio, sys, uvloop
from everpost.engine.wire import NetworkWire
from everpost.engine.wire.connection import Connection
from everpost.model.account import Timeouts
from everpost.providers.contract import HttpRequest

def write_and_tell(self, data, write=Connection.write):
    write(self, data)
    if data.endswith({END!r}):
        print("all of it is in the hands of the kernel", flush=True)

async def send():
    request = HttpRequest(method="POST", url=sys.argv[1], headers={{}}, body=200_000 * b"x" + {END!r})
    await NetworkWire().send(request, Timeouts(connect_s=20.0, write_s=20.0, answer_s={ANSWER_S}), float("inf"))

Connection.write = write_and_tell
asyncio.Runner(loop_factory=uvloop.new_event_loop).run(send())
"""


def is_known(port, to):
    """Whether the kernel has anything left to do for the connection between these ports."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return (port, to) in {tuple(int(end.rpartition(":")[2], 16) for end in row[1:3]) for row in rows}


def read_all(connection):
    connection.settimeout(1.0)  # of a frozen process there is no end
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
        return received
    except (ConnectionResetError, TimeoutError):
        return received


async def is_given_up(port, to):
    return not is_known(port, to)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(
    not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux's kernel can be told when to stop trying"
)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_what_a_provider_has_not_taken_in_within_the_time_for_an_answer_never_reaches_it(blow):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        own = listener.getsockname()[1]
        words = (sys.executable, "-c", SENDER, f"http://127.0.0.1:{own}/mail")
        sender = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        try:
            await sender.stdout.readline()
            connection, (_, port) = listener.accept()
            with closing(connection):
                sender.send_signal(blow)
                await until(partial(is_given_up, port, own), GIVEN_UP_WITHIN_S)
                received = read_all(connection)
        finally:
            with suppress(ProcessLookupError):
                sender.kill()
            await sender.wait()
    assert received.startswith(b"POST")
    assert END not in received
