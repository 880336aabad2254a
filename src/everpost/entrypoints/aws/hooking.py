"""What providers send by themselves, by way of an HTTP API or a function URL."""

from collections import Counter
from typing import Any

from everpost.engine.engine import Engine
from everpost.entrypoints import emf
from everpost.entrypoints.aws.lines import Lines
from everpost.entrypoints.aws.web import Web
from everpost.entrypoints.http.figures import Uncounted
from everpost.settings import HttpSettings


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
            return await self._web(event, left_s)
        finally:
            self._tell_figures()

    def _tell_figures(self) -> None:
        facts = emf.Facts(webhooks=dict(self._figures.webhooks), webhook_events=dict(self._figures.events))
        self._figures.webhooks.clear()
        self._figures.events.clear()
        for line in emf.lines(facts, self._function, self._engine.ports.clock.now()):
            self._lines.write(line)
