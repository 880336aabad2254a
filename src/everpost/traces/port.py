"""What the rooms need of traces. Nothing here waits or raises: a mail is worth more than its trace.

Spans carry ids of mails, names of accounts and routes, hosts of providers and words of fixed lists; never addresses,
content or credentials.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from everpost.model.delivery import Delivery
from everpost.model.event import Event
from everpost.model.message import Message


class Span(Protocol):
    """A piece of work. It ends once, in whatever task."""

    @property
    def traceparent(self) -> str | None:
        """What goes with the mail, so that what is done for it elsewhere stands below this; None: nobody traces."""
        ...

    def here(self) -> AbstractContextManager[object]:
        """What is begun within the block, by this task or by those it starts, stands below this."""
        ...

    def told(self, events: Sequence[Event]) -> None:
        """These facts have come of it, and are on disk."""
        ...

    def end(self, fault: str = "", status: int | None = None) -> None:
        """`fault`: a word for what went wrong. `status`: that of HTTP or SMTP, if it has one."""
        ...


class Tracer(Protocol):
    def request(self, method: str, route: str, parent: str | None) -> Span:
        """A request of a client, whose `traceparent` was `parent`."""
        ...

    def accept(self, message: Message) -> Span:
        """A mail becomes durable."""
        ...

    def hand_over(self, message: Message, delivery: Delivery) -> Span:
        """An attempt, maybe hours later and in another process than its acceptance."""
        ...

    def resolve(self, message: Message, delivery: Delivery) -> Span:
        """A question what became of an attempt."""
        ...

    def call(self, method: str, url: str) -> Span:
        """A request to a provider: `url` holds neither a query nor a login. Only as a part of something else."""
        ...

    async def close(self) -> None:
        """Returns soon, whether all has been told or not."""
        ...


class _NoSpan:
    traceparent: Final = None

    def here(self) -> AbstractContextManager[object]:
        return _NOWHERE

    def told(self, events: Sequence[Event]) -> None: ...

    def end(self, fault: str = "", status: int | None = None) -> None: ...


_NOWHERE: Final = nullcontext()
NO_SPAN: Final = _NoSpan()


class Untraced:
    """Nobody traces."""

    def request(self, method: str, route: str, parent: str | None) -> Span:  # noqa: ARG002  the port's
        return NO_SPAN

    def accept(self, message: Message) -> Span:  # noqa: ARG002  the port's
        return NO_SPAN

    def hand_over(self, message: Message, delivery: Delivery) -> Span:  # noqa: ARG002  the port's
        return NO_SPAN

    def resolve(self, message: Message, delivery: Delivery) -> Span:  # noqa: ARG002  the port's
        return NO_SPAN

    def call(self, method: str, url: str) -> Span:  # noqa: ARG002  the port's
        return NO_SPAN

    async def close(self) -> None: ...


UNTRACED: Final = Untraced()
