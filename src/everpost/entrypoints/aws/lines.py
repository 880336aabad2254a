"""What a function writes for CloudWatch: log lines, and figures in the embedded metric format."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from everpost.logs import JsonFormatter, install

NAMESPACE: Final = "Everpost"
_UNITS: Final[Mapping[str, str]] = {"OldestDueAge": "Seconds", "AccountsUsable": "Count", "Unaccounted": "Count"}


class Lines(logging.Handler):
    """Writes each line at once: whoever writes later may be halted before that. A line carries the id that AWS gave to
    the invocation."""

    def __init__(self, level: str, descriptor: int | None = None) -> None:
        """Takes over all logs of the process. `descriptor`: None for standard error."""
        super().__init__()
        self.invocation: str | None = None
        self._descriptor = sys.stderr.fileno() if descriptor is None else descriptor
        self.setFormatter(JsonFormatter(instant="timestamp"))
        install(self, level)

    def emit(self, record: logging.LogRecord) -> None:
        record.invocation = self.invocation
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - the contract of logging: a faulty record must not break who logs
            self.handleError(record)
        else:
            os.write(self._descriptor, f"{line}\n".encode())

    def figures(self, function: str, at: float, values: Mapping[str, float]) -> None:
        """Metrics of the function, which CloudWatch reads off the log."""
        metrics = [{"Name": name, "Unit": _UNITS[name]} for name in values]
        told: dict[str, Any] = {
            "_aws": {
                "Timestamp": round(at * 1000),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": metrics}],
            },
            "Function": function,
            **values,
        }
        os.write(self._descriptor, msgspec.json.encode(told) + b"\n")
