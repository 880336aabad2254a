"""Several processes at one port: started again when they die, later and later, and ended together."""

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager
from functools import partial

import pytest

from crash.processes import until
from everpost.entrypoints import processes
from everpost.entrypoints.processes import NotStarted, Place, Processes, open_listener
from server_kit import EVERPOST, HOST, environ, free_ports

WITHIN_S = 60.0
CHILD = """
import os, signal, socket, sys
parent = socket.socket(fileno=int(sys.argv[4]))
listener = socket.socket(fileno=int(sys.argv[2]))
"""
LIVES = CHILD + "parent.send(b'1'); parent.recv(1)"  # until it is told to end, or its parent has
DIES = CHILD + "parent.send(b'1'); sys.exit(7)"
NEVER_READY = CHILD + "sys.exit(3)"
DEAF = CHILD + "signal.signal(signal.SIGTERM, signal.SIG_IGN); parent.send(b'1'); parent.recv(1); parent.recv(1)"


def words(script):
    return [sys.executable, "-S", "-E", "-c", script]


@pytest.fixture
def listener():
    with open_listener(HOST, 0) as opened:
        yield opened


@asynccontextmanager
async def running(script, listener, count=2):
    """The processes, an event for their start, and one that ends them."""
    started, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(Processes(words(script), os.environ, listener).run(count, stop, started.set))
    try:
        yield task, started, stop
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_start_is_told_when_all_of_them_listen_and_a_stop_ends_them_all(listener):
    async with running(LIVES, listener, 3) as (task, started, stop), asyncio.timeout(WITHIN_S):
        await started.wait()
        stop.set()
        assert await task is None


async def test_one_that_dies_is_started_again_later_and_later(listener, monkeypatch, caplog):
    monkeypatch.setattr(processes, "PAUSE_S_MIN", 0.01)
    monkeypatch.setattr(processes, "PAUSE_S_MAX", 0.04)
    async with running(DIES, listener, 1):
        await until(partial(_told, caplog, 4), WITHIN_S)
    assert [record.wait_s for record in caplog.records[:4]] == [0.01, 0.02, 0.04, 0.04]
    assert {record.status for record in caplog.records} == {7}


async def _told(caplog, count):
    return len(caplog.records) >= count


async def test_one_that_had_lived_for_long_is_started_again_soon(listener, monkeypatch, caplog):
    monkeypatch.setattr(processes, "PAUSE_S_MIN", 0.01)
    monkeypatch.setattr(processes, "STEADY_S", 0.0)
    async with running(DIES, listener, 1):
        await until(partial(_told, caplog, 3), WITHIN_S)
    assert {record.wait_s for record in caplog.records[:3]} == {0.01}


async def test_one_that_cannot_even_start_ends_them_all_with_its_code(listener):
    async with running(NEVER_READY, listener) as (task, started, _):
        with pytest.raises(NotStarted) as caught:
            await asyncio.wait_for(task, WITHIN_S)
        assert not started.is_set()
    assert caught.value.code == 3


async def test_one_that_does_not_end_in_time_is_ended_by_force(listener, monkeypatch):
    monkeypatch.setattr(processes, "END_S", 0.1)
    async with running(DEAF, listener, 1) as (task, started, stop), asyncio.timeout(WITHIN_S):
        await started.wait()
        stop.set()
        assert await task is None


async def test_a_child_ends_when_its_parent_has(listener):
    ours, theirs = socket.socketpair()
    place = Place(listener, theirs)
    place.watch_parent(stop := asyncio.Event())
    place.tell_ready()
    assert ours.recv(1) == b"1"
    ours.close()
    async with asyncio.timeout(WITHIN_S):
        await stop.wait()
    assert stop.is_set()
    theirs.close()


CONFIG = """
data = "{data}"
[http]
port = {port}
[accounts.a]
provider = "sendgrid"
api_key = "SG.test"
"""


async def everpost(folder, *options, data="data", port=None):
    """How a command ends that can't start."""
    config = folder / "everpost.toml"
    config.write_text(CONFIG.format(data=folder / data, port=port or free_ports(1)[0]))
    process = await asyncio.create_subprocess_exec(
        *EVERPOST, "serve", "--config", str(config), *options, stderr=asyncio.subprocess.PIPE, env=environ()
    )
    async with asyncio.timeout(WITHIN_S):
        _, told = await process.communicate()
    return process.returncode, told.decode()


@pytest.mark.slow
async def test_processes_that_cannot_open_their_store_end_with_a_reason(tmp_path):
    (tmp_path / "file").write_text("no folder")
    code, told = await everpost(tmp_path, "--processes", "2", data="file")
    assert code == 1
    assert "can't be made" in told
    assert "before it could answer" in told
    assert "Traceback" not in told


@pytest.mark.slow
async def test_a_port_that_is_taken_is_told_before_any_process_starts(tmp_path):
    with socket.create_server((HOST, 0)) as taken:
        code, told = await everpost(tmp_path, "--processes", "2", port=(port := taken.getsockname()[1]))
    assert code == 1
    assert f"can't start: port {port} of {HOST} is in use\n" in told
    assert "is it running already?" in told
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("count", ["0", "65", "-1", "two"])
async def test_a_number_of_processes_that_is_none_is_refused(tmp_path, count):
    code, told = await everpost(tmp_path, "--processes", count)
    assert code == 2
    assert "is not a whole number from 1 to 64" in told or "expected one argument" in told
