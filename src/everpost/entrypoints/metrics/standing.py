"""How mails, accounts and sinks stand: gauges that are set at each scrape."""

from collections.abc import Sequence

from everpost.engine.console import AccountStatus, Standing
from everpost.entrypoints.metrics.instruments import Instruments
from everpost.model.account import CircuitState, Quota
from everpost.model.delivery import DeliveryState
from everpost.store.port import Counts


class StandingFigures:
    def __init__(self, make: Instruments) -> None:
        self._deliveries = make.gauge("everpost_deliveries", "Deliveries in the store.", "state")
        self._unaccounted = make.gauge(
            "everpost_deliveries_unaccounted", "Deliveries accepted less those in any state; anything but 0 is a bug."
        )
        self._oldest = make.gauge("everpost_oldest_due_age_seconds", "How long the longest due delivery has waited.")
        self._circuit = make.gauge(
            "everpost_account_circuit", "1 for the state that the account's circuit is in.", "account", "state"
        )
        self._missing = make.gauge(
            "everpost_account_mail_missing",
            "Of the latest accepted mails that were looked for in its provider's records, those not there.",
            "account",
        )
        self._prompt = make.gauge(
            "everpost_account_prompt_share",
            "Of the latest accepted mails that were listened for, those reported delivered in time; none known: 1.",
            "account",
        )
        self._slow = make.gauge(
            "everpost_account_slow", "1 while it gets less mail since its mail is delivered late.", "account"
        )
        self._left = make.gauge(
            "everpost_account_quota_left", "Recipients that its quota leaves room for.", "account", "unit"
        )
        self._limit = make.gauge("everpost_account_quota_limit", "Recipients that its quota allows.", "account", "unit")
        self._in_flight = make.gauge("everpost_account_in_flight", "Requests of this process.", "account")
        self._lag = make.gauge(
            "everpost_sink_lag_seconds", "How old the next event is that a sink has not taken; 0: it has all.", "sink"
        )

    def show(self, standing: Standing) -> None:
        self._show_counts(standing.counts, standing.at)
        self._show_accounts(standing.accounts)
        self._lag.clear()  # webhooks come and go
        for sink, lag_s in standing.sink_lags.items():
            self._lag.labels(sink).set(lag_s)

    def _show_counts(self, counts: Counts, now: float) -> None:
        for state in DeliveryState:
            self._deliveries.labels(state.value).set(counts.by_state.get(state, 0))
        self._unaccounted.set(counts.accepted - sum(counts.by_state.values()))
        self._oldest.set(0 if counts.oldest_due_at is None else max(0.0, now - counts.oldest_due_at))

    def _show_accounts(self, accounts: Sequence[AccountStatus]) -> None:
        for status in accounts:
            name = status.account.name
            for circuit in CircuitState:
                self._circuit.labels(name, circuit.value).set(status.circuit.state is circuit)
            self._missing.labels(name).set(status.health.records.missing)
            share = status.health.delivering.share
            self._prompt.labels(name).set(1.0 if share is None else share)
            self._slow.labels(name).set(status.circuit.slow)
            for unit, left in status.quota_left.items():
                self._left.labels(name, unit).set(left)
                self._limit.labels(name, unit).set(_limits(status.account.quota)[unit] or 0)
            self._in_flight.labels(name).set(status.in_flight)


def _limits(quota: Quota) -> dict[str, int | None]:
    return {"second": quota.per_second, "day": quota.per_day, "month": quota.per_month}
