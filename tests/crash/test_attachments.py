"""A process is killed at the N-th call into the kernel while it accepts mail with attachments that lie outside the
store: whatever it has acknowledged is there, whole."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from crash import attaching
from crash.attaching import content, settings_of
from everpost.engine.attach import Attached
from everpost.engine.clock import SystemClock
from everpost.wiring import assembled
from system_parts import program

CALLS = ("openat", "write", "fsync", "rename", "mkdir", "pwrite64", "fdatasync")
AT = (1, 2, 3, 5, 8, 13)  # which of these calls, counted by each thread
MAILS = 20  # of a process that nobody kills
LIFE_S = 20.0


async def acknowledged(folder, first, *strace):
    """What a process says until it is killed, or for some mails; and whether it was killed."""
    words = (*strace, sys.executable, attaching.__file__, str(folder), str(first))
    process = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=DEVNULL)
    told = []
    try:
        async with asyncio.timeout(LIFE_S):
            while len(told) < MAILS and (line := await process.stdout.readline()).endswith(b"\n"):
                told.append(line.decode().split())
            is_killed = len(told) < MAILS
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return [(id_, int(number)) for id_, number in told], is_killed


def killing(call, at, trace):
    """strace is a grandchild, so that the process itself can be ended."""
    inject = f"inject={call}:signal=KILL:when={at}"
    return (program("strace"), "-D", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", inject)


async def whole(folder, promised):
    """Reads each mail as the queue would; returns those whose attachment is not as it was handed in."""
    broken = []
    async with assembled(settings_of(folder)) as engine:
        attached = Attached(engine.ports)
        claimed = {}
        while some := (await engine.ports.store.claim_due(SystemClock().now() + 3600, 1e6, 100)).claimed:
            claimed |= {one.message.id: one.message for one in some}
        for id_, number in promised:
            message = claimed.get(id_)
            if message is None or (await attached.whole(message)).attachments[0].content != content(number):
                broken.append((id_, number))
        for (
            message
        ) in claimed.values():  # of those that nobody was told of, none is there without its attachment either
            await attached.whole(message)
    return broken


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("call", CALLS)
async def test_no_acknowledged_mail_is_without_its_attachment(tmp_path, call):
    promised, killed, first = [], 0, 0
    for at in AT:
        told, is_killed = await acknowledged(tmp_path, first, *killing(call, at, tmp_path / "trace"))
        promised += told
        killed += is_killed
        first += MAILS
    promised += (await acknowledged(tmp_path, first))[0]
    assert len(promised) >= MAILS
    assert killed >= len(AT) // 2
    assert await whole(tmp_path, promised) == []
