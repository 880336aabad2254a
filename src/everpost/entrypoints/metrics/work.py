"""What this process has done: it is told by the engine, the store and the event loop."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter, Histogram

from everpost.engine.wire import Connections
from everpost.entrypoints.metrics.instruments import Instruments
from everpost.model.outcome import Kind

ATTEMPT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
DELAY_BUCKETS: Final = (*ATTEMPT_BUCKETS, 300.0, 1_800.0, 7_200.0, 28_800.0, 86_400.0)  # as long as retries may go on
COMMIT_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 4.0)
GROUP_BUCKETS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
VERDICTS: Final = ("found", "absent", "unresolved")  # as the event email.resolved has them
LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class EngineFigures:
    """The engine's observer."""

    def __init__(self, make: Instruments) -> None:
        self._attempts = make.histogram(
            "everpost_attempt_duration_seconds",
            "An attempt to hand a mail over, from the beginning of the request to what its answer means.",
            ATTEMPT_BUCKETS,
            "account",
            "outcome",
        )
        self._delays = make.histogram(
            "everpost_hand_over_delay_seconds",
            "From acceptance, or the time it was to be sent at, to a provider's answer that it has the mail.",
            DELAY_BUCKETS,
            "account",
        )
        self._resolutions = make.counter(
            "everpost_resolutions", "Uncertain attempts whose question has ended.", "account", "verdict"
        )
        self._wakeups = make.counter(
            "everpost_wakeups",
            "Looks of the deliver loop: after a nudge, or since the time had come.",
            "cause",
        )
        self._relayed = make.counter("everpost_sink_events", "Events that a sink has taken.", "sink")
        self._buried = make.counter(
            "everpost_sink_dead_letters", "Events that a sink will never take, and that were told elsewhere.", "sink"
        )
        self._failures = make.counter("everpost_sink_failures", "Batches of events that a sink has failed at.", "sink")
        self._nudged, self._timed = self._wakeups.labels("nudge"), self._wakeups.labels("time")
        self._by_outcome: dict[tuple[str, Kind], Histogram] = {}  # of those above: looking one up costs more than it
        self._by_account: dict[str, Histogram] = {}
        self._by_sink: dict[str, tuple[Counter, Counter]] = {}

    def expect(self, accounts: Iterable[str], sinks: Iterable[str]) -> None:
        """Their figures are shown as 0 from now on: of what is not there, no rate can be told when it comes."""
        for account in accounts:
            for kind in Kind:
                self._attempts.labels(account, kind.value)
            for verdict in VERDICTS:
                self._resolutions.labels(account, verdict)
            self._delays.labels(account)
        for sink in sinks:
            for counter in (self._relayed, self._buried, self._failures):
                counter.labels(sink)

    def attempted(self, account: str, outcome: Kind, took_s: float) -> None:
        known = self._by_outcome.get((account, outcome))
        if known is None:
            known = self._by_outcome[account, outcome] = self._attempts.labels(account, outcome.value)
        known.observe(took_s)

    def handed_over(self, account: str, delay_s: float) -> None:
        known = self._by_account.get(account)
        if known is None:
            known = self._by_account[account] = self._delays.labels(account)
        known.observe(max(0.0, delay_s))

    def resolved(self, account: str, verdict: str) -> None:
        self._resolutions.labels(account, verdict).inc()

    def woken(self, *, nudged: bool) -> None:
        (self._nudged if nudged else self._timed).inc()

    def relayed(self, sink: str, events: int, buried: int) -> None:
        known = self._by_sink.get(sink)
        if known is None:
            known = self._by_sink[sink] = (self._relayed.labels(sink), self._buried.labels(sink))
        known[0].inc(events)
        known[1].inc(buried)

    def sink_failed(self, sink: str) -> None:
        self._failures.labels(sink).inc()


class ProcessFigures:
    """Of the store's commits, the connections to providers and the event loop."""

    def __init__(self, make: Instruments) -> None:
        self._commits = make.histogram(
            "everpost_store_commit_duration_seconds", "A commit of the store, from its beginning.", COMMIT_BUCKETS
        )
        self._groups = make.histogram(
            "everpost_store_commit_operations", "Operations that share one commit.", GROUP_BUCKETS
        )
        self._waiting = make.gauge("everpost_store_waiting_writes", "Operations that wait for a commit.")
        self._connections = make.gauge("everpost_wire_connections", "HTTP connections to providers.", "state")
        self._loop = make.histogram(
            "everpost_event_loop_lag_seconds",
            "How late the event loop was with a task of its own, four times a second.",
            LAG_BUCKETS,
        )

    def committed(self, took_s: float, operations: int) -> None:
        self._commits.observe(took_s)
        self._groups.observe(operations)

    def watch_waiting(self, count: Callable[[], int]) -> None:
        self._waiting.set_function(count)

    def watch_connections(self, count: Callable[[], Connections]) -> None:
        self._connections.labels("busy").set_function(lambda: count().busy)
        self._connections.labels("idle").set_function(lambda: count().idle)

    def loop_was_late(self, by_s: float) -> None:
        self._loop.observe(by_s)
