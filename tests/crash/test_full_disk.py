"""A disk that fills up under a running server, and has room again."""

import asyncio
import itertools
import random
import resource
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE

import pytest

from crash import mutants
from crash.books import breaks, message_of, read_books, read_sink, settled
from crash.load import Load
from crash.processes import ask, installation, until

FULL_WITHIN_S = 60.0
READY_WITHIN_S = 30.0
FILE_SYSTEM = "32m"  # room enough for a database and its log, once the filler is gone
CHUNK_BYTES = 4096


class Limit:
    """No file of the server may be written any more: for it a full disk, be it an ordinary user's or root's."""

    def __init__(self, _folder):
        pass

    def fill(self, server):
        self._allow(server, 0)

    def free(self, server):
        self._allow(server, resource.RLIM_INFINITY)

    def _allow(self, server, size_bytes):
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


class Filler:
    """A file of somebody else that takes all that is left of a small file system."""

    def __init__(self, folder):
        self._path = folder / "filler"

    def fill(self, _server):
        with self._path.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(CHUNK_BYTES)):
                    pass
            except OSError:
                return

    def free(self, _server):
        self._path.unlink()


@pytest.fixture(params=["limit", "file system"])
def disk(request, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "limit":
        yield Limit(folder)
        return
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    words = [mount, "-t", "tmpfs", "-o", f"size={FILE_SYSTEM}", "tmpfs", str(folder)]
    if mount is None or unmount is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    yield Filler(folder)
    subprocess.run([unmount, str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_disk_that_fills_up_under_load_costs_refusals_and_no_mail_and_no_restart(tmp_path, disk, crash_seed):
    async with installation(tmp_path) as place:
        server = place.add_server(sink=True)
        await server.start()
        load = Load([server.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        probe = Probe(place, server)
        with load.running():
            await load.more(100)

            async def it_is_full():
                disk.fill(server)
                return not await server.is_ready() and (await probe.hand_in())[0] == 503

            await until(it_is_full, FULL_WITHIN_S)
            refused = [answer for answer in [await probe.hand_in() for _ in range(20)] if answer[0] != 202]
            ready = await ask("GET", f"{server.url}/readyz")
            shown = await place.call(server, "GET", f"/v1/emails/{load.read_journal()[0].id}")
            alive = await ask("GET", f"{server.url}/healthz")
            disk.free(server)
            await until(server.is_ready, READY_WITHIN_S)  # fails if the process has ended
            await load.more(100)
            await load.stop()
        await settled(place, server, 60.0)
        books = await read_books(place, server, load.read_journal())
        assert await server.end(30.0) == 0
        told = {event["id"] for event in read_sink(place.events)}
    assert load.surprises == []
    assert breaks(books) == []
    assert probe.acknowledged <= {message_of(mail.delivery_id) for mail in books.caught}
    assert {event["id"] for event in books.events} - told == set()
    assert (shown["state"], alive[0]) == ("sent", 200)
    assert refused  # mostly all: what a checkpoint frees may do for a small mail
    for answer in [*refused, ready]:
        assert_refused(answer)


@pytest.mark.slow
async def test_a_server_without_mail_notices_by_itself_that_its_disk_is_full(tmp_path, disk):
    async with installation(tmp_path) as place:
        server = place.add_server()
        await server.start()
        probe = Probe(place, server)

        async def it_is_full():
            disk.fill(server)
            return not await server.is_ready()

        await until(it_is_full, FULL_WITHIN_S)
        ready = [await ask("GET", f"{server.url}/readyz") for _ in range(5)]
        refused = await probe.hand_in()
        disk.free(server)
        await until(server.is_ready, READY_WITHIN_S)
        status, _, _ = await probe.hand_in()
    for answer in [*ready, refused]:
        assert_refused(answer)
    assert status == 202


@pytest.mark.slow
async def test_a_server_that_can_not_write_from_the_start_says_so_and_ends(tmp_path):
    async with installation(tmp_path) as place:
        server = place.add_server((sys.executable, mutants.__file__, "full_disk"))
        process = await asyncio.create_subprocess_exec(*server.words, stdout=PIPE, stderr=PIPE)
        said, complaint = await process.communicate()
    assert process.returncode == 1
    assert said == b""
    assert b"the disk reports an error" in complaint
    assert b"Traceback" not in complaint


class Probe:
    """Hands in mails of its own, one by one."""

    def __init__(self, place, server):
        self.acknowledged = set()
        self._place = place
        self._server = server
        self._numbers = itertools.count(1)

    async def hand_in(self):
        mail = {
            "from": "ann@example.com",
            "to": ["bob@example.org"],
            "subject": f"probe {next(self._numbers)}",
            "text": "It works",
        }
        headers = {"Authorization": f"Bearer {self._place.token}"}
        answer = await ask("POST", f"{self._server.url}/v1/emails", mail, headers)
        if answer[0] == 202:
            self.acknowledged.add(answer[1]["id"])
        return answer


def assert_refused(answer):
    status, problem, headers = answer
    assert (status, problem["code"]) == (503, "store_unavailable")
    assert "the disk" in problem["detail"]
    assert int(headers["retry-after"]) >= 1
