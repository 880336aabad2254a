"""Tells every relay that events may be waiting."""

from everpost.wakeup.port import Wakeup


class News:
    def __init__(self) -> None:
        self._wakeups: list[Wakeup] = []

    def subscribe(self, wakeup: Wakeup) -> None:
        self._wakeups.append(wakeup)

    def nudge(self) -> None:
        for wakeup in self._wakeups:
            wakeup.nudge()
