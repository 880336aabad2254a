"""What is counted in this room, and by whom."""

from typing import Protocol

from everpost.engine.console import Standing


class Figures(Protocol):
    is_shown: bool
    """Whether somebody may ask this process for them."""

    def count_request(self, route: str, method: str, status: int, took_s: float) -> None: ...

    def count_accepted(self) -> None: ...

    def count_turned_away(self) -> None: ...

    def count_webhook(self, account: str, result: str) -> None: ...

    def count_webhook_events(self, account: str, result: str, count: int) -> None: ...

    def render(self, standing: Standing) -> bytes:
        """OpenMetrics text."""
        ...


class Uncounted:
    """For a process that lives too short for its counters to be read: whoever runs it counts its calls."""

    is_shown = False

    def count_request(self, route: str, method: str, status: int, took_s: float) -> None: ...

    def count_accepted(self) -> None: ...

    def count_turned_away(self) -> None: ...

    def count_webhook(self, account: str, result: str) -> None: ...

    def count_webhook_events(self, account: str, result: str, count: int) -> None: ...

    def render(self, standing: Standing) -> bytes:  # noqa: ARG002
        return b"# EOF\n"
