"""Everpost broken on purpose, one promise at a time, and the words with which the checker must tell it."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from everpost.core import acting, decide, resolving, transitions
from everpost.engine import accept, asking, deliver, fleet, resolve
from everpost.engine.accept import Acceptor
from everpost.engine.attempt import Attempts, Intent
from everpost.engine.deliver import Deliverer
from everpost.engine.idempotency import Idempotency
from everpost.engine.lease import Lease
from everpost.engine.relay import Relay
from everpost.model.account import Circuit, CircuitState
from everpost.model.act import Action
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.message import OnUnknown
from everpost.model.outcome import Kind
from everpost.providers.contract import Absent, Ask
from everpost.store.memory import MemoryStore
from everpost.store.port import Stored, StoreUnavailable
from everpost.store.suppressions import Suppressions
from sim.mutants_told import (
    answer_a_provider_before_its_event_is_stored,
    go_by_what_was_told_last,
    take_an_event_that_is_told_again_for_a_new_one,
)
from sim.mutants_whose import (
    answer_a_replay_otherwise,
    bar_an_address_in_all_projects,
    charge_no_quota,
    charge_without_a_look_at_the_limit,
    give_up_before_its_time,
    send_before_its_time,
    send_through_whom_it_may_not,
    share_keys_between_projects,
    show_a_mail_to_everybody,
)

Mutant = Callable[[pytest.MonkeyPatch], None]


# --- what is acknowledged is kept, once -------------------------------------------------------------------------------


def acknowledge_before_it_is_stored(patch: pytest.MonkeyPatch) -> None:
    store = Acceptor._store

    async def stored(self, message, kept, route, claim, *, awaited):
        asyncio.create_task(store(self, message, kept, route, claim, awaited=awaited))  # noqa: RUF006  it dies with its node
        return Stored(message=message, deliveries=(accept.first_delivery(message, route, message.created_at),))

    patch.setattr(Acceptor, "_store", stored)


def acknowledge_what_the_store_has_refused(patch: pytest.MonkeyPatch) -> None:
    store = Acceptor._store

    async def stored(self, message, kept, route, claim, *, awaited):
        try:
            return await store(self, message, kept, route, claim, awaited=awaited)
        except StoreUnavailable:
            return Stored(message=message, deliveries=(accept.first_delivery(message, route, message.created_at),))

    patch.setattr(Acceptor, "_store", stored)


def take_a_repeated_request_for_a_new_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Idempotency, "claim", lambda *_: None)


def take_another_mail_for_the_same(patch: pytest.MonkeyPatch) -> None:
    claim = Idempotency.claim

    def blurred(self, *given):
        return replace(claim(self, *given), fingerprint=b"")

    patch.setattr(Idempotency, "claim", blurred)


# --- the intent comes first, and only the holder of the lease writes --------------------------------------------------


def send_before_the_intent_is_stored(patch: pytest.MonkeyPatch) -> None:
    async def begin(self, intents: Sequence[Intent]) -> None:
        for intent in intents:
            self._attempts.start(intent)
        if intents:
            await self._ports.store.begin([intent.change for intent in intents])

    patch.setattr(Deliverer, "_begin", begin)


def send_fresh_mail_whether_it_is_stored_or_not(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Deliverer, "drop", Deliverer.start)


def send_however_late(patch: pytest.MonkeyPatch) -> None:
    start = Attempts.start
    patch.setattr(Attempts, "start", lambda self, one: start(self, dataclasses.replace(one, not_after=float("inf"))))


def ignore_the_lease(patch: pytest.MonkeyPatch) -> None:
    begin = MemoryStore.begin

    async def unfenced(self, changes: Sequence[Change]) -> Any:
        now = [replace(change, was=self._deliveries[change.delivery.id].version) for change in changes]
        return await begin(self, now)

    patch.setattr(MemoryStore, "begin", unfenced)


def write_to_those_who_must_not_be_written_to(patch: pytest.MonkeyPatch) -> None:
    async def nobody(*_) -> dict[Any, Any]:
        return {}

    patch.setattr(deliver, "suppressed_among", nobody)
    patch.setattr(Suppressions, "has_any", lambda *_: False)


def try_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "pause_s", lambda *_: 0.01)
    patch.setattr(fleet, "circuit", lambda *_: Circuit(state=CircuitState.CLOSED))


def put_off_for_a_week(patch: pytest.MonkeyPatch) -> None:
    postpone = transitions.postpone

    def later(delivery, wait, now):
        change = postpone(delivery, wait, now)
        return replace(change, delivery=replace(change.delivery, due_at=now + 7 * 86_400.0))

    patch.setattr(transitions, "postpone", later)


# --- what may have been sent is resolved first ------------------------------------------------------------------------


def trust_the_first_absence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resolving, "is_proof", lambda *_: True)


def look_twice_too_soon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resolving, "patience_s", lambda *_: 3.0)


def trust_the_first_page(patch: pytest.MonkeyPatch) -> None:
    async def look(ports, sought, lookup):
        open_ = [lookup.start(sought)]
        while isinstance(finding := await asking._request(ports, open_.pop(0), sought, lookup), Ask):
            open_ += finding.requests
        return finding

    patch.setattr(resolve, "look", look)


def take_silence_for_absence(patch: pytest.MonkeyPatch) -> None:
    ask = asking._request

    async def told(ports, request, sought, lookup):
        finding = await ask(ports, request, sought, lookup)
        return Absent() if "no answer" in getattr(finding, "reason", "") else finding

    patch.setattr(asking, "_request", told)


def take_an_unknown_outcome_for_a_failure(patch: pytest.MonkeyPatch) -> None:
    settle = transitions.settle

    def settled(delivery, outcome, now, lost=()):
        kind = Kind.UNAVAILABLE if outcome.kind is Kind.UNKNOWN else outcome.kind
        return settle(delivery, replace(outcome, kind=kind), now, lost)

    patch.setattr(transitions, "settle", settled)


def requeue_what_a_lost_worker_had(patch: pytest.MonkeyPatch) -> None:
    def requeued(delivery: Delivery, now: float) -> Change:
        return transitions._change(delivery, replace(delivery, state=DeliveryState.QUEUED, due_at=now), now, [])

    patch.setattr(transitions, "lost", requeued)


def give_up_on_a_worker_that_is_at_work(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "LEASE_MARGIN_S", -11.0)
    patch.setattr(resolving, "open_s", lambda *_: 0.0)


def give_up_by_the_wall_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resolving, "is_over", lambda age_s, _, within_s, __: age_s >= within_s)


def send_again_whatever_the_policy(patch: pytest.MonkeyPatch) -> None:
    unresolved = transitions.unresolved

    def resend(delivery, _policy, reason, now):
        return unresolved(delivery, OnUnknown.RESEND, reason, now)

    patch.setattr(transitions, "unresolved", resend)


# --- the trail can't disagree with the state --------------------------------------------------------------------------


def change_a_state_without_a_word(patch: pytest.MonkeyPatch) -> None:
    found = transitions.found
    patch.setattr(transitions, "found", lambda *args: replace(found(*args), events=()))


def cancel_what_has_ended(patch: pytest.MonkeyPatch) -> None:
    cancel = transitions.cancel

    def whatever(delivery, who, now, why=""):
        return cancel(replace(delivery, state=DeliveryState.QUEUED), who, now, why)

    patch.setattr(transitions, "cancel", whatever)
    patch.setitem(acting._HINDRANCES, Action.CANCEL, lambda *_: None)


def lose_count(patch: pytest.MonkeyPatch) -> None:
    put = MemoryStore._put

    def uncounted(self, delivery):
        put(self, delivery)
        if delivery.state is DeliveryState.UNCERTAIN:
            self._by_state[delivery.state.value] -= 1

    patch.setattr(MemoryStore, "_put", uncounted)


def move_the_cursor_first(patch: pytest.MonkeyPatch) -> None:
    async def hasty(self):
        if not self._lease.is_fresh and not await self._is_on_duty():
            return 0
        if self._version is None:
            await self._read_cursor()
        events = await self._ports.store.read_events(self._cursor, 500)
        if not events:
            return 0
        self._cursor = events[-1].seq
        await self._write_cursor()
        await self.sink.put([self._render(event) for event in events])
        return len(events)

    patch.setattr(Relay, "step", hasty)


def think_that_another_has_told_what_it_has_not(patch: pytest.MonkeyPatch) -> None:
    on_duty = Relay._is_on_duty

    async def trusting(self):
        is_its_turn = await on_duty(self)
        if self._stands_by:
            waiting = await self._ports.store.read_events(self._cursor, 500)
            self._cursor = max((one.seq for one in waiting), default=self._cursor)
        return is_its_turn

    patch.setattr(Relay, "_is_on_duty", trusting)


def write_the_cursor_whatever_it_is(patch: pytest.MonkeyPatch) -> None:
    async def unfenced(self):
        value = str(self._cursor).encode()
        document = await self._ports.store.write_config(f"cursor/{self.sink.name}", value, None)
        self._version = document.version

    patch.setattr(Relay, "_write_cursor", unfenced)


def relay_without_a_lease(patch: pytest.MonkeyPatch) -> None:
    async def whatever(_) -> bool:
        return True

    patch.setattr(Lease, "hold", whatever)


TWICE = r"handed over \d times"
MUTANTS: Sequence[tuple[Mutant, str, int]] = (
    (acknowledge_before_it_is_stored, "but it is gone", 1),
    (acknowledge_what_the_store_has_refused, "but it is gone", 1),
    (take_a_repeated_request_for_a_new_one, r"taken \d times", 1),
    (take_a_repeated_request_for_a_new_one, "a repeated request was taken for a new one", 1),
    (take_another_mail_for_the_same, "accepted for two different mails", 1),
    (send_before_the_intent_is_stored, "left before its intent was stored", 4),
    (send_fresh_mail_whether_it_is_stored_or_not, "left before its intent was stored", 1),
    (send_however_late, "s after its intent", 8),
    (ignore_the_lease, "an event is told twice", 12),
    (write_to_those_who_must_not_be_written_to, "its recipient was suppressed before", 1),
    (try_without_end, r"\d+ attempts", 59),
    (put_off_for_a_week, "still queued at the end", 1),
    (trust_the_first_absence, TWICE, 1),
    (look_twice_too_soon, TWICE, 5),
    (trust_the_first_page, TWICE, 15),
    (take_silence_for_absence, TWICE, 7),
    (take_an_unknown_outcome_for_a_failure, TWICE, 1),
    (requeue_what_a_lost_worker_had, "began while the one before was unresolved", 2),
    (give_up_on_a_worker_that_is_at_work, "while an earlier request was still open", 24),
    (give_up_by_the_wall_clock, "given up after", 111),
    (send_again_whatever_the_policy, "the policy is hold", 2),
    (show_a_mail_to_everybody, "shown to another project", 1),
    (bar_an_address_in_all_projects, "had barred", 1),
    (share_keys_between_projects, "taken for somebody else's", 1),
    (answer_a_replay_otherwise, "answered b.* and before b", 1),
    (send_through_whom_it_may_not, "which it may not|recipients at once", 1),
    (charge_no_quota, r"quota: p\d was asked", 1),
    (charge_without_a_look_at_the_limit, "quota: .* charged to", 1),
    (send_before_its_time, "s before its time", 1),
    (give_up_before_its_time, "expired before its time", 1),
    (change_a_state_without_a_word, "without an event", 1),
    (change_a_state_without_a_word, r"endings \[\]", 1),
    (cancel_what_has_ended, "it was sent and is cancelled", 1),
    (lose_count, "conservation", 1),
    (move_the_cursor_first, "an event that no sink was given", 1),
    (think_that_another_has_told_what_it_has_not, "an event that no sink was given", 1),
    (write_the_cursor_whatever_it_is, "the cursor went back", 1),
    (relay_without_a_lease, "relayed by .* at once", 1),
    (answer_a_provider_before_its_event_is_stored, "answered for and are not on the trail", 4),
    (take_an_event_that_is_told_again_for_a_new_one, "or are there without", 4),
    (go_by_what_was_told_last, "went down from rung", 4),
)
