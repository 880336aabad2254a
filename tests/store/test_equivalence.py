"""Whatever is done to it, SQLite answers as the plain dictionaries of the memory store do."""

from hypothesis import settings

from everpost.store.port import StoreUnavailable
from everpost.store.sqlite import SqliteStore
from store_machine import Stores


class Sqlite(Stores):
    def open_other(self):
        return SqliteStore.open(":memory:", clock=self.clock, inline=True)

    def result_of(self, coroutine):
        """Neither store awaits anything, so one step is the whole way. A refusal is a result, too."""
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        except StoreUnavailable as error:
            return type(error)
        raise AssertionError("it has waited")


TestStores = Sqlite.TestCase
TestStores.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
