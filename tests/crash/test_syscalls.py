"""A fault at the N-th call into the kernel, for every N: nothing acknowledged is lost, nothing is sent twice."""

import random
import sys

import pytest

from crash import mutants
from crash.books import audited, breaks
from crash.load import Load
from crash.processes import installation, new_folder
from crash.syscalls import FILES, SENDS, Strike, spread, strike_all, told_of
from server_kit import EVERPOST

SETTLED_WITHIN_S = 600.0
LAST = 200  # of the calls that are struck
SLICE = 40  # strikes of one installation
UNSURE = ({"kind": "accept_reset", "share": 0.1}, {"kind": "status", "share": 0.1})
DISK_WORDS = {"EIO": "the disk reports an error", "ENOSPC": "the disk is full"}


async def after(folder, seed, struck_by, program=EVERPOST, faults=UNSURE):
    """The books after all these strikes, what was hit, and the load."""
    async with installation(folder) as place:
        server = place.add_server(program, sink=True)
        load = Load([server.url], place.token, folder / "journal.jsonl", random.Random(seed))
        await place.put_faults("mailgun", *faults)
        with load.running():
            struck = await strike_all(place, server, load, struck_by)
            await place.heal()
            await server.start()
            await load.stop()
        books, untold = await audited(place, server, load.read_journal(), SETTLED_WITHIN_S)
    print(f"seed {seed}: {len(struck)} strikes, {load.handed_in} mails, {dict(books.by_state)}; {told_of(struck)}")  # noqa: T201
    return books, struck, load, untold


def slices(strikes, seed):
    """In an order of chance, so that starts which can't succeed do not all follow each other; and so many at once that
    the sandbox can keep all mail that is sent meanwhile."""
    mixed = list(strikes)
    random.Random(seed).shuffle(mixed)
    return [mixed[first : first + SLICE] for first in range(0, len(mixed), SLICE)]


@pytest.mark.slow
@pytest.mark.timeout(20_000)
async def test_a_server_killed_at_the_nth_call_loses_nothing_and_sends_nothing_twice(
    tmp_path, syscall_strikes, crash_seed
):
    by = [Strike(call, at) for call in (*FILES, SENDS) for at in spread(syscall_strikes, LAST)]
    for number, some in enumerate(slices(by, crash_seed)):
        books, struck, load, untold = await after(new_folder(tmp_path / str(number)), crash_seed, some)
        assert (load.surprises, breaks(books), untold) == ([], [], set())
        assert {one.ended for one in struck} == {-9}


@pytest.mark.slow
@pytest.mark.timeout(20_000)
async def test_a_disk_that_fails_at_the_nth_call_costs_refusals_and_no_mail(tmp_path, syscall_strikes, crash_seed):
    kinds = [(error, on) for on in (False, True) for error in DISK_WORDS]  # each call meets another one, by the seed
    by = [
        Strike(call, at, *kinds[(crash_seed + 2 * place + index) % len(kinds)])
        for place, call in enumerate(FILES)
        for index, at in enumerate(spread(syscall_strikes, LAST))
    ]
    refusals = []
    for number, some in enumerate(slices(by, crash_seed)):
        books, struck, load, untold = await after(new_folder(tmp_path / str(number)), crash_seed, some)
        assert (load.surprises, breaks(books), untold) == ([], [], set())
        assert {one.ended for one in struck} <= {None, 1}  # 1: it can't even start, and says so
        refusals += load.refusals
    assert all(any(words in refusal for refusal in refusals) for words in DISK_WORDS.values())
    assert "Traceback" not in "".join(path.read_text() for path in tmp_path.glob("*/server-*.log"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "strike", "words"),
    [
        ("ack_before_commit", Strike("fdatasync", 30), "acknowledged, but the server knows nothing of it"),
        ("intent_not_written", Strike(SENDS, 90), "handed over 2 times"),
        ("blind_resend", Strike("pwrite64", 200), "handed over 2 times"),
        ("believe_failed_commits", Strike("fdatasync", 30, "EIO"), "acknowledged, but the server knows nothing of it"),
        ("believe_failed_commits", Strike("pwrite64", 90, "ENOSPC"), "acknowledged, but the server knows nothing"),
    ],
)
async def test_a_broken_server_is_caught_at_the_nth_call(tmp_path, mutant, strike, words):
    program = (sys.executable, mutants.__file__, f"hurry,{mutant}")
    books, *_ = await after(tmp_path, 1, [strike] * 3, program, [{"kind": "slow", "delay_s": 0.1}])
    assert words in "\n".join(breaks(books))
