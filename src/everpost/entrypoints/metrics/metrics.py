"""All figures of a process in one registry."""

import os
import platform
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest

from everpost.engine.console import Standing
from everpost.entrypoints.metrics.instruments import Instrument, Instruments
from everpost.entrypoints.metrics.standing import StandingFigures
from everpost.entrypoints.metrics.together import SHARED, Together
from everpost.entrypoints.metrics.work import EngineFigures, ProcessFigures


class Metrics:
    """Of a process that only works: who asks how it is, is not counted."""

    is_shown = True

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._shared = os.environ.get(SHARED)
        self._make = Instruments(self.registry)
        self.engine = EngineFigures(self._make)
        self.process = ProcessFigures(self._make)
        self._standing = StandingFigures(self._make)
        self._make.info("everpost_build", "What runs.", version=version, python=platform.python_version())
        ProcessCollector(registry=self.registry)

    def count_accepted(self) -> None: ...

    def count_turned_away(self) -> None: ...

    def count_request(self, route: str, method: str, status: int, took_s: float) -> None: ...

    def count_webhook(self, account: str, result: str) -> None: ...

    def count_webhook_events(self, account: str, result: str, count: int) -> None: ...

    @property
    def instruments(self) -> list[Instrument]:
        """Without those of the operating system (`process_…`)."""
        return list(self._make.made)

    def render(self, standing: Standing) -> bytes:
        """OpenMetrics text."""
        self.engine.expect((status.account.name for status in standing.accounts), standing.sink_lags)
        self._standing.show(standing)
        shown = self.registry if self._shared is None else Together(self.registry, Path(self._shared))
        text: bytes = generate_latest(shown)
        return text


class ServerMetrics(Metrics):
    """Of a process that answers HTTP as well."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self._accepted = self._make.counter("everpost_emails_accepted", "Mails accepted over HTTP.")
        self._turned_away = self._make.counter(
            "everpost_http_requests_turned_away", "Requests refused at once, since there was too much to do already."
        )
        self._requests = self._make.counter("everpost_http_requests", "Requests answered.", "route", "method", "status")
        self._requests_seconds = self._make.counter("everpost_http_requests_seconds", "Time spent on them.", "route")
        self._known: dict[tuple[str, str, int], tuple[Counter, Counter]] = {}  # the two above, for each kind of answer
        self._hooks = self._make.counter(
            "everpost_hook_requests", "Requests of providers that bring events.", "account", "result"
        )
        self._hook_events = self._make.counter(
            "everpost_hook_events",
            "Events that these have brought, by whether their mail is known.",
            "account",
            "result",
        )

    def count_accepted(self) -> None:
        self._accepted.inc()

    def count_turned_away(self) -> None:
        self._turned_away.inc()

    def count_request(self, route: str, method: str, status: int, took_s: float) -> None:
        key = (route, method, status)
        counters = self._known.get(key)
        if counters is None:
            counters = (self._requests.labels(route, method, str(status)), self._requests_seconds.labels(route))
            self._known[key] = counters
        number, seconds = counters
        number.inc()
        seconds.inc(took_s)

    def count_webhook(self, account: str, result: str) -> None:
        self._hooks.labels(account, result).inc()

    def count_webhook_events(self, account: str, result: str, count: int) -> None:
        self._hook_events.labels(account, result).inc(count)
