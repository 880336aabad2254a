"""What a function writes for CloudWatch."""

import logging
import os
import sys

from everpost.logs import JsonFormatter, install


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
            self.write(line.encode())

    def write(self, line: bytes) -> None:
        """One that is none of the log, such as one of metrics."""
        os.write(self._descriptor, line + b"\n")
