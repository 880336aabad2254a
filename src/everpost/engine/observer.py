"""What happens in the engine, for whoever counts it."""

from typing import Final, Protocol

from everpost.model.outcome import Kind


class Observer(Protocol):
    """Told at each occasion, in the event loop: it never waits and never raises. Names are of accounts and sinks."""

    def attempted(self, account: str, outcome: Kind, took_s: float) -> None:
        """A request to a provider has ended, so long after it was begun: stored or not, its outcome is known."""
        ...

    def handed_over(self, account: str, delay_s: float) -> None:
        """It is on disk that a provider has answered that it has a mail, so long after the mail was accepted, or after
        the time that it was to be sent at. By the wall clocks of two processes: the difference may be below 0."""
        ...

    def resolved(self, account: str, verdict: str) -> None:
        """An uncertain attempt is certain now, or was given up: found, absent or unresolved."""
        ...

    def woken(self, *, nudged: bool) -> None:
        """The deliver loop goes on: since something has nudged it, or since its time had come."""
        ...

    def relayed(self, sink: str, events: int, buried: int) -> None:
        """A sink has taken so many events; so many it will never take, and they were told elsewhere."""
        ...

    def sink_failed(self, sink: str) -> None:
        """It is tried again later."""
        ...


class Unobserved:
    """Nobody counts."""

    def attempted(self, account: str, outcome: Kind, took_s: float) -> None: ...

    def handed_over(self, account: str, delay_s: float) -> None: ...

    def resolved(self, account: str, verdict: str) -> None: ...

    def woken(self, *, nudged: bool) -> None: ...

    def relayed(self, sink: str, events: int, buried: int) -> None: ...

    def sink_failed(self, sink: str) -> None: ...


UNOBSERVED: Final = Unobserved()
