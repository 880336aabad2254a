"""Structured logs: one JSON object a line, written by a thread of its own.

Modules log with the standard library: `_log.warning("a sink failed", extra={"sink": name})`. Only the fields named in
FIELDS come through, and whatever looks like an address is masked, wherever it stands.
"""

import logging
import os
import re
import select
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias

import msgspec

QUEUED_LINES_MAX: Final = 10_000
BATCH_LINES_MAX: Final = 256
TEXT_CHARS_MAX: Final = 500
GATHER_S: Final = 0.01
CLOSE_WITHIN_S: Final = 1.0
FIELDS: Final[Mapping[str, str]] = {
    "message_id": "message",  # the standard library keeps `message` for itself
    "delivery": "delivery",
    "attempt": "attempt",
    "account": "account",
    "provider": "provider",
    "request": "request",
    "trace": "trace",  # the caller's W3C `traceparent`
    "invocation": "requestId",  # of a function, under the name that AWS's own lines have for it
    "key": "key",  # the public id of an API key
    "route": "route",
    "sink": "sink",
    "webhook": "webhook",
    "event_id": "event_id",
    "state": "state",
    "outcome": "outcome",
    "status": "status",
    "code": "code",
    "method": "method",
    "path": "path",
    "host": "host",
    "port": "port",
    "latency_ms": "latency_ms",
    "wait_s": "wait_s",
    "count": "count",
    "size_bytes": "size_bytes",
    "dropped": "dropped",
    "origin": "origin",
    "error": "error",
}
"""What a record may carry in `extra`, and the name under which it is written. What is None is left out, and so is
everything else, but the names of that are told."""

_OWN_COUNT: Final = len(logging.makeLogRecord({}).__dict__)  # which come first in each record
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_LEVELS: Final = {name: name.lower() for name in logging.getLevelNamesMapping()}
_ENCODER: Final = msgspec.json.Encoder()
_ADDRESS: Final = re.compile(r"[^\s@<>\"'=,;:/?&()\[\]]+(?:@|%40)[^\s@<>\"',;:/?&()\[\]]+", re.IGNORECASE)
_UVICORN: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_Failure: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


class JsonFormatter(logging.Formatter):
    """`ts` (RFC 3339, UTC), `level`, `logger`, `event`, the fields, and for a failure its type, text and stack."""

    def __init__(self, instant: str = "ts") -> None:
        """`instant`: what the time of a line is called."""
        super().__init__()
        self._instant = instant

    def format(self, record: logging.LogRecord) -> str:
        return self.line(record).decode()

    def line(self, record: logging.LogRecord) -> bytes:
        """The record in UTF-8, as it is written."""
        line: dict[str, Any] = {
            self._instant: datetime.fromtimestamp(record.created, UTC),
            "level": _LEVELS.get(record.levelname) or record.levelname.lower(),
            "logger": record.name,
            "event": _clean(record.getMessage()),
        }
        left_out = []
        for name, value in islice(record.__dict__.items(), _OWN_COUNT, None):
            key = FIELDS.get(name)
            if key is None:
                if name not in _STANDARD:
                    left_out.append(name)
            elif value is not None:
                line[key] = _clean(value)
        if left_out:
            line["left_out"] = sorted(left_out)
        if record.exc_info and record.exc_info[0] is not None:
            line |= _failure(record.exc_info)
        return _ENCODER.encode(line)


class HasFileno(Protocol):
    def fileno(self) -> int: ...


class ThreadedHandler(logging.Handler):
    """Hands lines to a thread that writes them, those of GATHER_S at once: a thread that woke up for each line would
    take the interpreter from whoever logs. Never blocks the caller: lines that don't fit are dropped, and counted in
    `dropped`, while the reader of the stream is stuck."""

    def __init__(self, stream: HasFileno) -> None:
        super().__init__()
        self.dropped = 0
        self._untold = 0  # dropped since that was last written
        self._counting = threading.Lock()  # not the handler's own: that one is held while it is closed
        self._fd = stream.fileno()  # bare: a lock of the stream's, held by a stuck thread, would hang the exit
        self._lines: SimpleQueue[str | None] = SimpleQueue()  # None: the last one
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="everpost-logs", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - the contract of logging: a faulty record must not break who logs
            line = self.format(_own("ERROR", "a log record could not be formatted", origin=record.name))
        if self._lines.qsize() < QUEUED_LINES_MAX:
            self._lines.put(line)
        else:
            self._drop(1)

    def close(self) -> None:
        """Writes what is queued, as far as the reader takes it within CLOSE_WITHIN_S."""
        super().close()
        self._closing.set()
        self._lines.put(None)
        self._thread.join(CLOSE_WITHIN_S)

    def _run(self) -> None:
        open_ = True
        while open_:
            lines = [self._lines.get()]
            self._closing.wait(GATHER_S)
            while len(lines) < BATCH_LINES_MAX and not self._lines.empty():
                lines.append(self._lines.get())
            open_ = None not in lines
            self._write([line for line in lines if line is not None])

    def _write(self, lines: list[str]) -> None:
        with self._counting:
            untold, self._untold = self._untold, 0
        if untold:
            lines.append(self.format(_own("WARNING", "log lines were dropped", dropped=untold)))
        data = memoryview("".join(f"{line}\n" for line in lines).encode())
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:  # whoever shares the stream has set it so
                select.select([], [self._fd], [])
            except OSError:  # closed
                self._drop(len(lines))
                return

    def _drop(self, count: int) -> None:
        with self._counting:
            self.dropped += count
            self._untold += count


def configure(level: str, stream: HasFileno | None = None) -> ThreadedHandler:
    """Sends all logs of the process, uvicorn's included, to `stream` (None: stderr). It is closed when Python ends."""
    handler = ThreadedHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    install(handler, level)
    return handler


def install(handler: logging.Handler, level: str) -> None:
    """From now on all lines of the process go there, and nowhere else."""
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").addFilter(_without_query)
    logging.captureWarnings(capture=True)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no line shows them
    logging._srcfile = None  # noqa: SLF001  nor the place in the source; the manual's way not to look for it


def _without_query(record: logging.LogRecord) -> bool:
    """Turns uvicorn's line of text about a request into fields. A query may name a recipient."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        _, method, path, _, status = record.args
        record.msg, record.args = "request", ()
        record.__dict__.update(method=method, path=str(path).partition("?")[0], status=status)
    return True


def _own(level: str, event: str, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": __name__, "levelname": level, "msg": event, **fields})


def _failure(info: _Failure | tuple[None, None, None]) -> dict[str, Any]:
    kind, error, trace = info
    frames = traceback.extract_tb(trace)
    return {
        "error_type": kind.__name__ if kind else "",
        "error": _clean(str(error)),
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _clean(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    if "@" in text or "%40" in text:
        text = _ADDRESS.sub("***@***", text)
    return text[:TEXT_CHARS_MAX]
