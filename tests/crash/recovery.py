"""How soon a killed server is back at work: `python tests/crash/recovery.py --mails 1000000`.

Fills a store with queued mail, lets a server work on it, kills it under load and starts it again: how long after the
start of the process the first mail is acknowledged, and the first one is handed over.
"""

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from crash.processes import NO_ANSWER, Installation, Process, ask
from everpost.store.sqlite import SqliteStore, accepting
from everpost.store.sqlite.accepting import Submission
from everpost.store.sqlite.operation import Failed, Shared
from server_kit import HOST, free_ports
from store_values import delivery, event, message

BATCH = 2000  # mails in one transaction
SPREAD_S = 3600.0  # over which mails that are not all due at once fall due
ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: %d\r\nContent-Length: 0\r\n\r\n"
KILLED_AFTER = 500  # hand-overs


class Provider(asyncio.Protocol):
    """Takes every mail at once, as SendGrid would, and tells when it was sent the first one."""

    taken = 0
    first_at = None

    @classmethod
    def forget(cls):
        cls.taken, cls.first_at = 0, None

    def connection_made(self, transport):
        self._transport, self._data = transport, b""

    def data_received(self, data):
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            size = end + 4 + int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            if len(self._data) < size:
                return
            self._data = self._data[size:]
            Provider.first_at = Provider.first_at or time.monotonic()
            Provider.taken += 1
            self._transport.write(ANSWER % Provider.taken)


def fill(path, count, spread_s):
    """Queued mails, all due by now or some of them later, stored as the server stores them."""
    store = SqliteStore.open(str(path), inline=True)
    now = time.time()
    try:
        for first in range(1, count + 1, BATCH):
            numbers = range(first, min(first + BATCH, count + 1))
            batch = [_submission(number, now, spread_s, count) for number in numbers]
            results = store._writer.run([Shared(accepting.accept, one) for one in batch])
            assert not any(isinstance(result, Failed) for result in results), results[0]
    finally:
        asyncio.run(store.close())


def _submission(number, now, spread_s, count):
    of = message(number, at=now - 1.0, project="default")
    one = replace(delivery(of), due_at=now + spread_s * number / count, expires_at=now + 86_400.0)
    return Submission(of, (one,), (event(one),), None, ())


async def recovered(server, token):
    """Seconds from the start of the process to its first acknowledgement, and to the first hand-over; and what of the
    processors' time it has used by then, which tells more where others are at work, too."""
    Provider.forget()
    started_at = time.monotonic()
    await server.spawn()
    told = {}
    while len(told) < 4:
        assert server.process.returncode is None, server.log.read_text()[-2000:]
        if "first 2xx" not in told and await _acknowledges(server, token):
            told |= {"first 2xx": time.monotonic() - started_at, "CPU until then": _cpu_s(server)}
        if "first hand-over" not in told and Provider.first_at is not None:
            told |= {"first hand-over": Provider.first_at - started_at, "CPU till then": _cpu_s(server)}
        await asyncio.sleep(0.002)
    return {name: round(seconds, 3) for name, seconds in told.items()}


def _cpu_s(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _acknowledges(server, token):
    mail = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "It works"}
    with contextlib.suppress(*NO_ANSWER):
        status, _, _ = await ask("POST", f"{server.url}/v1/emails", mail, {"Authorization": f"Bearer {token}"})
        return status == 202
    return False


async def measure(folder, mails, spread_s, rounds):
    ports = free_ports(1)
    place = Installation(folder, Process((), folder / "none", "", ""), {"mailgun": ports[0], "sendgrid": ports[0]})
    await place.make_key()
    began = time.monotonic()
    await asyncio.to_thread(_fill_apart, folder, mails, spread_s)
    size_mb = (folder / "data" / "everpost.db").stat().st_size / 1e6
    yield {"mails": mails, "due within s": spread_s, "filled in s": round(time.monotonic() - began, 1), "MB": size_mb}
    server = place.add_server()
    _only_sendgrid(folder)
    listening = await asyncio.get_running_loop().create_server(Provider, HOST, ports[0])
    try:
        for _ in range(rounds):
            yield await recovered(server, place.token)
            while Provider.taken < KILLED_AFTER and not spread_s:
                await _acknowledges(server, place.token)
            await server.kill()
    finally:
        if server.running is not None and server.process.returncode is None:
            await server.kill()
        listening.close()


def _fill_apart(folder, mails, spread_s):
    fill(folder / "data" / "everpost.db", mails, spread_s)


def _only_sendgrid(folder):
    [config] = folder.glob("everpost-[1-9]*.toml")
    config.write_text(config.read_text() + '[routes.default]\naccounts = [{ account = "sendgrid" }]\n')


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spread", type=float, default=0.0, help="seconds over which they fall due; 0: all at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async for told in measure(Path(folder), options.mails, options.spread, options.rounds):
            print(json.dumps(told), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
