"""kill -9 in the middle of an accept: afterwards all of the mail is there, or nothing of it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from dynamodb_kit import large_message, new_table, real_store
from dynamodb_proxy import DROP, LOSE, PASS, harmed
from everpost.store.port import Claim, Filter, New, Same
from store_values import LATE, NOW, accept, delivery, key, message

TESTS = Path(__file__).parents[2]
VICTIM = """
import asyncio, sys
from dynamodb_kit import large_message, real_store
from store_values import NOW, accept, key

async def main(endpoint, table):
    async with real_store(endpoint, lambda: NOW, name=table) as store:
        await accept(store, large_message(), key())

asyncio.run(main(*sys.argv[1:]))
"""


async def killed(aws, table, operation, *, is_done):
    """A process hands in a mail, and dies at its first request of this kind: before it is carried out, or after."""
    victims = []

    def harm(asked, before):
        if asked != operation:
            return PASS
        if is_done and before == 0:
            return LOSE  # it will ask again, and not live to hear the answer
        victims[0].kill()
        return DROP

    async with harmed(aws, harm) as server:
        words = [sys.executable, "-c", VICTIM, server.url, table]
        victims.append(await asyncio.create_subprocess_exec(*words, env=os.environ | {"PYTHONPATH": str(TESTS)}))
        assert await victims[0].wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "is_done"),
    [
        ("object", False),
        ("object", True),
        ("BatchWriteItem", False),
        ("BatchWriteItem", True),
        ("TransactWriteItems", False),
    ],
)
async def test_a_process_that_dies_before_its_transaction_leaves_nothing(aws, operation, is_done):
    table = await new_table(aws)
    await killed(aws, table, operation, is_done=is_done)
    async with real_store(aws, lambda: NOW, name=table) as store:
        assert await store.get_message("shop", large_message().id) is None
        assert await store.list_messages(Filter(project="shop"), None, 10) == []
        assert await store.claim_due(LATE, 15.0, 10) == Claim((), None)
        assert await store.read_events(0, 10) == []
        assert (await store.counts()).accepted == 0
        assert await store.accept(message(2), (delivery(message(2)),), (), key(), LATE) == New()


@pytest.mark.slow
async def test_a_process_that_dies_after_its_transaction_leaves_the_whole_mail(aws):
    table = await new_table(aws)
    await killed(aws, table, "TransactWriteItems", is_done=True)
    of = large_message()
    async with real_store(aws, lambda: NOW, name=table) as store:
        [listed] = await store.list_messages(Filter(project="shop", tag="a"), None, 10)
        assert listed.message.id == of.id
        assert len(await store.read_events(0, 10)) == (await store.counts()).accepted == 1
        again = await store.accept(message(2), (delivery(message(2)),), (), key(), LATE)
        assert again == Same(message_id=of.id, running_until=None, answer=None)
        [claimed] = (await store.claim_due(LATE, 15.0, 10)).claimed
        assert claimed.message == of


async def test_a_mail_that_came_after_a_death_has_the_same_rights(aws):
    """What a dead process has laid out is in nobody's way, not even if its message comes again."""
    table = await new_table(aws)
    await killed(aws, table, "TransactWriteItems", is_done=False)
    async with real_store(aws, lambda: NOW, name=table) as store:
        await accept(store, large_message(), key())
        [listed] = await store.list_messages(Filter(project="shop"), None, 10)
        assert listed.message.id == large_message().id
