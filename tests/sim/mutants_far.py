"""The DynamoDB store broken on purpose: what its conditions, tokens and transactions are for."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from everpost.store.dynamodb import accepting, changes, quotas, sequencer
from everpost.store.dynamodb.accepting import Accepting
from everpost.store.dynamodb.keys import EVENTS, JOURNAL_HEAD
from everpost.store.dynamodb.sequencer import Sequencer
from everpost.store.dynamodb.table import Table
from everpost.store.dynamodb.writes import Write
from everpost.store.port import New, StoreUnavailable


def write_whatever_the_version_is(patch: pytest.MonkeyPatch) -> None:
    put = Write.put

    def unfenced(item: Mapping[str, Any], condition: str | None = None, **values: Any) -> Write:
        return put(
            item, "#version <> :was OR #version = :was" if condition == "#version = :was" else condition, **values
        )

    patch.setattr(changes.Write, "put", unfenced)


def take_a_lost_answer_for_success(patch: pytest.MonkeyPatch) -> None:
    store = Accepting._store

    async def hopeful(self, submission, laid, not_after):
        try:
            return await store(self, submission, laid, not_after)
        except StoreUnavailable:
            return New()

    patch.setattr(Accepting, "_store", hopeful)
    patch.setattr("everpost.aws.client.AwsClient._pause_s", lambda *_: 1e9)  # nothing is repeated


def leave_the_key_out_of_the_transaction(patch: pytest.MonkeyPatch) -> None:
    lay_out = Accepting._lay_out

    async def keyless(self, submission):
        laid = await lay_out(self, submission)
        kept = [write for write in laid.transaction if not write.request["Item"]["pk"]["S"].startswith("k#")]
        return accepting.Laid(laid.head, laid.before, kept)

    patch.setattr(Accepting, "_lay_out", keyless)


def tell_of_a_change_in_a_write_of_its_own(patch: pytest.MonkeyPatch) -> None:
    transact = Table.transact

    async def apart(self, writes: Sequence[Write], *within_s: float) -> None:
        told = [
            write for write in writes if write.verb == "Put" and write.request["Item"]["sk"]["S"].startswith(EVENTS)
        ]
        await transact(self, [write for write in writes if write not in told], *within_s)
        if told:
            await transact(self, told)

    patch.setattr(Table, "transact", apart)


def number_without_a_look_at_the_head(patch: pytest.MonkeyPatch) -> None:
    update = Write.update

    def headless(key: Any, change: str, condition: str | None = None, **values: Any) -> Write:
        if key == JOURNAL_HEAD:
            values.pop("was", None)
            return update(key, change, None, **values)
        return update(key, change, None if condition == sequencer.MARKED else condition, **values)

    patch.setattr(sequencer.Write, "update", headless)


def count_what_was_not_written(patch: pytest.MonkeyPatch) -> None:
    number = Sequencer._number

    async def twice(self, pending):
        done = await number(self, pending)
        return (done and await number(self, pending[:1])) or done

    patch.setattr(Sequencer, "_number", twice)
    patch.setattr(sequencer, "MARKED", "attribute_exists(#pk)")


def charge_whatever_there_is_room_for(patch: pytest.MonkeyPatch) -> None:
    async def charged(self, charge):
        return charge.window_at

    patch.setattr(quotas.Quotas, "_charge", charged)


FAR_MUTANTS = (
    (write_whatever_the_version_is, "written over version", 4),
    (take_a_lost_answer_for_success, "but it is gone", 1),
    (leave_the_key_out_of_the_transaction, r"taken \d times|taken for a new one", 1),
    (tell_of_a_change_in_a_write_of_its_own, "without an event|begins with|in the trail or written", 1),
    (number_without_a_look_at_the_head, "told twice|out of order|no sink was given", 1),
    (count_what_was_not_written, "conservation|told twice", 1),
    (charge_whatever_there_is_room_for, r"quota: p\d was asked", 11),
)
