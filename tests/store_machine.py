"""Anything that can be done to a store, done to two of them: whatever one answers, the other one does."""

from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from everpost.model.delivery import DeliveryState
from everpost.model.message import Address
from everpost.model.suppression import Source, Suppression
from everpost.store.memory import MemoryStore
from everpost.store.port import Bounds, Filter, Notice
from store_values import LATE, NOW, Clock, attachment, change, charge, delivery, event, key, message, system_event

UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]  # over a server, a counter-example is told as it was found: to
# make it smaller takes minutes, and a test that is stopped meanwhile tells nothing

few = st.integers(0, 3)
projects = st.sampled_from(["shop", "bank"])
addresses = st.sampled_from(["ann@example.com", "ANN@example.com", "bob@example.org", "bob@example.net"])
tags = st.sampled_from(["a", "b"])
streams = st.sampled_from(["", "news"])
states = st.sampled_from(list(DeliveryState))
accounts = st.sampled_from(["one", "two"])
ages = st.integers(0, 40)
sinces = st.none() | ages.map(lambda age: NOW + age)
few_or_all = st.integers(1, 5) | st.just(100)
names = st.sampled_from(["1/a", "1/b", "2/a"])


class Stores(RuleBasedStateMachine):
    """Who makes one of it says how the other store is opened (`open_other`), and runs what it answers (`result_of`): to
    a result, or to the kind of its refusal."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.memory = MemoryStore(self.clock)
        self.other = self.open_other()
        self.number = 0
        self.messages = []

    def teardown(self):
        self.result_of(self.other.close())

    def may_come_again(self, id_):
        """Whether a message of this id may be handed in once more."""
        return True

    def both(self, method, *arguments):
        memory, other = (self.result_of(getattr(store, method)(*arguments)) for store in (self.memory, self.other))
        assert memory == other, (method, memory, other)
        return memory

    def some_delivery(self, pick):
        """One that was stored at some time, as it is now."""
        if not self.messages:
            return None
        of = self.messages[pick % len(self.messages)]
        return self.both("find_delivery", delivery(of, pick % 2).id)

    @rule(
        project=projects,
        to=st.lists(addresses, min_size=1, max_size=3),
        tags=st.lists(tags, max_size=2),
        claim=st.none() | st.builds(key, few.map(str), st.sampled_from([b"f", b"g"]), since=sinces),
        due=few,
        deliveries=st.integers(1, 2),
        again=st.booleans(),
        overdue=st.sampled_from([LATE, LATE, LATE, 0.0]),
        begun=st.booleans(),
        spent=st.lists(st.builds(charge, few, st.just(6), accounts, tags, few.map(float)), max_size=2),
        files=st.lists(names, max_size=2),
        stream=streams,
    )
    def accept(self, *, project, to, tags, claim, due, deliveries, again, overdue, begun, spent, files, stream):
        if not (again and self.messages and self.may_come_again(message(self.number).id)):
            self.number += 1
        attached = tuple(attachment(name) for name in files)
        to = tuple(map(Address, to))
        of = message(self.number, project=project, to=to, tags=tuple(tags), attachments=attached, stream=stream)
        ones = [delivery(of, position, due_at=of.created_at + due) for position in range(deliveries)]
        if begun:
            ones = [change(one).delivery for one in ones]
        self.both("accept", of, ones, [event(one) for one in ones], claim, overdue, spent if begun else ())
        self.messages.append(of)

    @rule(after=ages, lease_s=st.sampled_from([1.0, 5.0]), room=few)
    def claim_due(self, after, lease_s, room):
        self.both("claim_due", NOW + after, lease_s, room)

    @rule(
        picks=st.lists(st.integers(0, 30), min_size=1, max_size=3),
        state=states,
        stale=st.sampled_from([0, 0, 0, 1]),
        account=accounts,
        spent=st.lists(st.builds(charge, few, st.just(6), accounts, tags, few.map(float)), max_size=2),
    )
    def change(self, picks, state, stale, account, spent):
        stored = [one for one in map(self.some_delivery, picks) if one is not None]
        wanted = [
            change(replace(one, version=one.version + stale), state, charges=spent, account=account, tried=(account,))
            for one in stored
        ]
        self.both("begin", wanted)

    @rule(ids=st.lists(few.map(str), max_size=3), project=projects)
    def record(self, ids, project):
        self.both("record", [system_event(id_, project=project) for id_ in ids])

    @rule(pick=st.none() | st.integers(0, 30), paper=st.binary(max_size=2), address=addresses)
    def note(self, pick, paper, address):
        self.number += 1
        id_ = str(self.number)
        of = self.messages[pick % len(self.messages)] if pick is not None and self.messages else None
        row = Suppression(project="shop", address=address.lower(), reason="told", created_at=NOW)
        told = system_event(f"note:{id_}", project="shop", message_id=of and of.id)
        further = (system_event(f"note:{id_}:further", project="shop", message_id=of and of.id),)
        self.both("note", [Notice(event=told, paper=paper, suppressions=(row,), further=further)] * 2)
        self.both("paper", told.id, told.message_id)

    @rule(name=few.map(str), value=st.none() | st.binary(max_size=2), was=st.none() | few)
    def write_config(self, name, value, was):
        self.both("write_config", name, value, was)

    @rule(
        row=st.builds(
            Suppression,
            project=projects,
            address=addresses.map(str.lower),
            stream=streams,
            source=st.sampled_from(Source),
            reason=tags,
            created_at=st.just(NOW),
            expires_at=st.none() | ages.map(lambda age: NOW + age),
        )
    )
    def suppress(self, row):
        self.both("suppress", [row], [])

    @rule(project=projects, address=addresses, stream=streams)
    def unsuppress(self, project, address, stream):
        self.both("unsuppress", project, [address], [], stream)

    @rule(
        project=projects,
        prefix=st.sampled_from(["", "b", "bob@example.o", "z"]),
        after=st.just("") | addresses.map(str.lower),
        stream=streams,
    )
    def list_suppressions(self, project, prefix, after, stream):
        self.both("list_suppressions", project, prefix, (after, stream), 2)

    @rule(scope=st.just("shop:send"), name=few.map(str), answer=st.binary(max_size=2))
    def answer(self, scope, name, answer):
        self.both("answer", scope, name, answer)

    @rule(name=few.map(str), fingerprint=st.sampled_from([b"f", b"g"]), since=sinces)
    def find_key(self, name, fingerprint, since):
        self.both("find_key", "shop:send", name, fingerprint, since)

    @rule(name=few.map(str), number=few)
    def vouch(self, name, number):
        self.both("vouch", "shop:send", name, message(number).id)

    @rule(before=ages, keys_before=ages, parts=st.lists(st.none() | ages, min_size=4, max_size=4), limit=few_or_all)
    def purge(self, before, keys_before, parts, limit):
        bodies, addresses, events, suppressions = (None if age is None else NOW + age for age in parts)
        bounds = Bounds(
            messages=NOW + before,
            keys=NOW + keys_before,
            bodies=bodies,
            addresses=addresses,
            events=events,
            suppressions=suppressions,
            salt=b"salt",
        )
        self.both("purge", bounds, limit)

    @rule(project=projects, address=addresses, limit=few_or_all)
    def erase(self, project, address, limit):
        self.number += 1
        event = system_event(f"erased {self.number}", project=project)
        self.both("erase", project, address, f"{self.number}@erased.invalid", event, limit)

    @rule(names=st.lists(names, max_size=3))
    def referenced(self, names):
        self.both("referenced", names)

    @rule(
        by=st.builds(
            Filter,
            project=projects,
            state=st.none() | states,
            recipient=st.none() | addresses,
            tag=st.none() | tags,
            account=st.none() | accounts,
            created_from=st.none() | ages.map(lambda age: NOW + age),
            created_before=st.none() | ages.map(lambda age: NOW + age),
        ),
        cursor=st.none() | st.integers(0, 30),
        limit=st.integers(1, 5),
    )
    def list_messages(self, by, cursor, limit):
        before = self.messages[cursor % len(self.messages)].id if cursor is not None and self.messages else None
        self.both("list_messages", by, before, limit)

    @rule(after=few, project=st.none() | projects, pick=st.none() | st.integers(0, 30))
    def read_events(self, after, project, pick):
        of = self.messages[pick % len(self.messages)] if pick is not None and self.messages else None
        self.both("read_events", after, 5, project, of and of.id)

    @invariant()
    def nothing_differs(self):
        counts = self.both("counts")
        assert counts.accepted == sum(counts.by_state.values())
        self.both("read_events", 0, 10_000)
        self.both("usage")
        self.both("read_config", "")
        self.both("referenced", ["1/a", "1/b", "2/a"])
        for stream in ("", "news"):
            self.both("suppressed", "shop", ["ann@example.com", "bob@example.org", "bob@example.net"], stream)
        for of in self.messages[-3:]:
            self.both("get_message", of.project, of.id)
