"""Figures for OpenMetrics scrapers. They carry names of routes and accounts, never addresses."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from everpost.engine.console import AccountStatus
from everpost.model.account import CircuitState
from everpost.model.delivery import DeliveryState
from everpost.store.port import Counts


class Metrics:
    """Counters of this process, and gauges that are read from the store at each scrape."""

    is_shown = True

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._accepted = Counter("everpost_emails_accepted", "Mails accepted over HTTP.", registry=self.registry)
        self._turned_away = self._counter(
            "everpost_http_requests_turned_away", "Requests refused at once, since there was too much to do already."
        )
        self._requests = self._counter("everpost_http_requests", "Requests answered.", "route", "method", "status")
        self._requests_seconds = self._counter("everpost_http_requests_seconds", "Time spent on them.", "route")
        self._known: dict[tuple[str, str, int], tuple[Counter, Counter]] = {}  # the two above, for each kind of answer
        self._webhooks = self._counter(
            "everpost_webhooks", "Requests of providers that bring events.", "account", "result"
        )
        self._webhook_events = self._counter(
            "everpost_webhook_events",
            "Events that these have brought, by whether their mail is known.",
            "account",
            "result",
        )
        self._deliveries = self._gauge("everpost_deliveries", "Deliveries in the store.", "state")
        self._oldest = self._gauge("everpost_oldest_due_age_seconds", "How long the longest due delivery has waited.")
        self._unaccounted = self._gauge(
            "everpost_deliveries_unaccounted", "Deliveries accepted less those in any state; anything but 0 is a bug."
        )
        self._circuit = self._gauge("everpost_account_circuit", "1 for the state that it is in.", "account", "state")
        self._missing = self._gauge(
            "everpost_account_mail_missing",
            "Of the latest accepted mails that were looked for in its provider's records, those not there.",
            "account",
        )
        self._quota = self._gauge("everpost_account_quota_left", "Recipients left.", "account", "unit")
        self._in_flight = self._gauge("everpost_account_in_flight", "Requests of this process.", "account")

    def count_accepted(self) -> None:
        self._accepted.inc()

    def count_turned_away(self) -> None:
        self._turned_away.inc()

    def count_webhook(self, account: str, result: str) -> None:
        self._webhooks.labels(account, result).inc()

    def count_webhook_events(self, account: str, result: str, count: int) -> None:
        self._webhook_events.labels(account, result).inc(count)

    def count_request(self, route: str, method: str, status: int, took_s: float) -> None:
        key = (route, method, status)
        counters = self._known.get(key)
        if counters is None:
            counters = (self._requests.labels(route, method, str(status)), self._requests_seconds.labels(route))
            self._known[key] = counters
        number, seconds = counters
        number.inc()
        seconds.inc(took_s)

    def render(self, counts: Counts, accounts: Sequence[AccountStatus], now: float) -> bytes:
        for state in DeliveryState:
            self._deliveries.labels(state.value).set(counts.by_state.get(state, 0))
        self._unaccounted.set(counts.accepted - sum(counts.by_state.values()))
        self._oldest.set(0 if counts.oldest_due_at is None else max(0.0, now - counts.oldest_due_at))
        for status in accounts:
            name = status.account.name
            for circuit in CircuitState:
                self._circuit.labels(name, circuit.value).set(status.circuit.state is circuit)
            self._missing.labels(name).set(status.health.records.missing)
            for unit, left in status.quota_left.items():
                self._quota.labels(name, unit).set(left)
            self._in_flight.labels(name).set(status.in_flight)
        text: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]  # untyped in the library
        return text

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self.registry)

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(name, help_, labels, registry=self.registry)
