"""Whatever is done to it, DynamoDB answers as the plain dictionaries of the memory store do.

But for three things, of which ADR 18 tells: a charge that was refused may have begun a window, the journal outlives
what is purged, and a refused mail may seem to need its attachments until its time."""

import asyncio

from hypothesis import settings
from msgspec.structs import replace

from dynamodb_kit import model_store
from everpost.store.port import StoreUnavailable
from store_machine import Stores
from store_values import LATE

CHARGES = 5  # which argument of `accept` they are


class Dynamo(Stores):
    def open_other(self):
        self.loop = asyncio.new_event_loop()
        self.purged = set()  # numbers of events
        return model_store(self.clock)[0]

    def teardown(self):
        super().teardown()
        self.loop.close()

    def result_of(self, coroutine):
        try:
            return self.loop.run_until_complete(coroutine)
        except StoreUnavailable as error:
            return type(error)

    def both(self, method, *arguments):
        if method == "accept":
            arguments = arguments[:CHARGES]
        if method == "begin":
            arguments = ([replace(one, charges=()) for one in arguments[0]],)
        if method == "read_events":
            return self.events(*arguments)
        if method == "referenced":
            return self.referenced(*arguments)
        if method == "record":  # what belongs to no message goes by its time alone
            arguments = ([replace(one, at=LATE) for one in arguments[0]],)
        before = self.numbers()
        told = super().both(method, *arguments)
        self.purged |= before - self.numbers()
        return told

    def numbers(self):
        return {one.seq for one in self.result_of(self.memory.read_events(0, 10_000))}

    def referenced(self, names):
        needed, told = (self.result_of(store.referenced(names)) for store in (self.memory, self.other))
        assert needed <= told <= set(names)

    def events(self, after, limit, project=None, message_id=None):
        memory = self.result_of(self.memory.read_events(after, limit, project, message_id))
        every = self.result_of(self.other.read_events(after, 10_000, project, message_id))
        assert [one for one in every if one.seq not in self.purged][:limit] == memory
        return memory


TestStores = Dynamo.TestCase
TestStores.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
