"""What a person sees on the terminal, or a program on its pipe."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TextIO

from everpost.entrypoints.cli.command import Stop

_GREEN, _YELLOW, _RED, _FAINT, _BOLD = "32", "33", "31", "2", "1"
_STYLES: Final[Mapping[str, str]] = {
    "sent": _GREEN,
    "accepted": _GREEN,
    "delivered": _GREEN,
    "closed": _GREEN,
    "ok": _GREEN,
    "queued": _YELLOW,
    "sending": _YELLOW,
    "uncertain": _YELLOW,
    "unknown": _YELLOW,
    "throttled": _YELLOW,
    "half_open": _YELLOW,
    "held": _YELLOW,
    "deferred": _YELLOW,
    "unsubscribed": _YELLOW,
    "warning": _YELLOW,
    "failed": _RED,
    "rejected": _RED,
    "bounced": _RED,
    "complained": _RED,
    "refused": _RED,
    "unavailable": _RED,
    "cancelled": _RED,
    "open": _RED,
    "fault": _RED,
    "skipped": _FAINT,
    "revoked": _FAINT,
}
"""Words that are coloured wherever they are a whole cell."""


class Screen:
    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self.as_json = as_json
        self._stream = stream
        self._colours = _has_colours(stream)

    def data(self, value: Any) -> None:
        """The one answer of a command with --json."""
        self._stream.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def line_of_data(self, value: Any) -> None:
        """One of many answers: JSON lines."""
        self._stream.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """Several lines are fine. Foreign words in it must have been through `plain`."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def paint(self, word: str, padded: str | None = None) -> str:
        shown = word if padded is None else padded
        style = _STYLES.get(word)
        return f"\033[{style}m{shown}\033[0m" if style and self._colours else shown

    def bold(self, text: str) -> str:
        return f"\033[{_BOLD}m{text}\033[0m" if self._colours else text

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> None:
        """Columns as wide as their widest cell; those named in `right` are aligned to the right."""
        cells = [[plain(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in [list(titles), *cells]) for column in range(len(titles))]
        to_right = {column for column, title in enumerate(titles) if title in set(right)}

        def padded(row: Sequence[str]) -> list[str]:
            return [
                cell.rjust(widths[column]) if column in to_right else cell.ljust(widths[column])
                for column, cell in enumerate(row)
            ]

        self.say(self.bold("  ".join(padded(titles)).rstrip()))
        for row in cells:
            painted = (self.paint(cell, shown) for cell, shown in zip(row, padded(row), strict=True))
            self.say("  ".join(painted).rstrip())

    def fail(self, stop: Stop, stderr: TextIO) -> None:
        if self.as_json:
            said = {"code": stop.error, "message": stop.message, "details": list(stop.details), "hint": stop.hint}
            self.data({"error": {name: value for name, value in said.items() if value}})
            return
        lines = [f"everpost: {plain(stop.message)}", *(f"  {plain(detail)}" for detail in stop.details)]
        if stop.hint:
            lines.append(f"hint: {plain(stop.hint)}")
        stderr.write("\n".join(lines) + "\n")


def plain(value: object) -> str:
    """Text of others without the control characters that would steer a terminal; nothing as a dash."""
    text = "-" if value is None or value == "" else str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def clock_time(instant: str | None) -> str:
    """An RFC 3339 instant as local time of day, to the millisecond."""
    if not instant:
        return "-"
    return f"{datetime.fromisoformat(instant).astimezone():%H:%M:%S.%f}"[:-3]


def local_time(instant: str | None) -> str:
    """An RFC 3339 instant as local date and time, to the second."""
    if not instant:
        return "-"
    return f"{datetime.fromisoformat(instant).astimezone():%Y-%m-%d %H:%M:%S}"


def _has_colours(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
