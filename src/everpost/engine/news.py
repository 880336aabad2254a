"""Tells everybody who brings events on that some may be waiting."""

from typing import Protocol


class Listener(Protocol):
    def nudge(self) -> None:
        """Never blocks, never fails."""
        ...


class News:
    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def nudge(self) -> None:
        for listener in self._listeners:
            listener.nudge()
