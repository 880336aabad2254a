"""What providers send by themselves, by way of an HTTP API, a function URL, or a queue."""

import logging
from collections import Counter
from typing import Any, Final

from everpost.engine.engine import Engine
from everpost.engine.ingest import Untaken
from everpost.entrypoints import emf
from everpost.entrypoints.aws.events import Queued, is_of_a_queue, read_queued
from everpost.entrypoints.aws.lines import Lines
from everpost.entrypoints.aws.web import Web
from everpost.entrypoints.http.figures import Uncounted
from everpost.entrypoints.http.hooks import NOBODY, count_taken
from everpost.settings import HttpSettings
from everpost.store.port import StoreUnavailable

_log: Final = logging.getLogger(__name__)


class Counted(Uncounted):
    """Of one invocation."""

    def __init__(self) -> None:
        self.webhooks: Counter[tuple[str, str]] = Counter()  # requests by account and result
        self.events: Counter[tuple[str, str]] = Counter()  # the same of the events in them

    def count_webhook(self, account: str, result: str) -> None:
        self.webhooks[account, result] += 1

    def count_webhook_events(self, account: str, result: str, count: int) -> None:
        self.events[account, result] += count


class Hooking:
    def __init__(self, engine: Engine, http: HttpSettings, function: str, lines: Lines) -> None:
        self._figures = Counted()
        self._web = Web(engine, "hooks", http, self._figures)
        self._engine = engine
        self._function = function
        self._lines = lines

    async def __call__(self, event: Any, left_s: float) -> dict[str, Any]:
        try:
            if is_of_a_queue(event):
                failed = [one.id for one in read_queued(event) if not await self._takes(one)]
                return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}
            return await self._web(event, left_s)
        finally:
            self._tell_figures()

    async def _takes(self, message: Queued) -> bool:
        """Whether all of it is on the trail. What is not comes again by itself, and ends in the queue of dead letters
        if that doesn't help: what can't be read is there, too."""
        now = self._engine.ports.clock.now()
        try:
            account, told = await self._engine.ingestor.take_queued(message.queue, message.body, now)
        except StoreUnavailable as error:
            self._figures.count_webhook(NOBODY, "store_unavailable")
            _log.error("the store can't be used", extra={"error": str(error)})
            return False
        if isinstance(told, Untaken):
            self._figures.count_webhook(NOBODY, told.why)
            _log.error("a message of a queue was refused", extra={"error": told.detail})
            return False
        count_taken(self._figures, account, told)
        return not told.unreadable

    def _tell_figures(self) -> None:
        facts = emf.Facts(webhooks=dict(self._figures.webhooks), webhook_events=dict(self._figures.events))
        self._figures.webhooks.clear()
        self._figures.events.clear()
        for line in emf.lines(facts, self._function, self._engine.ports.clock.now()):
            self._lines.write(line)
