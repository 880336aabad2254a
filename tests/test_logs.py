import asyncio
import contextlib
import fcntl
import json
import logging
import os
import subprocess
import sys

import pytest

from everpost import logs
from everpost.logs import JsonFormatter, ThreadedHandler, configure

log = logging.getLogger("everpost.test")


class Pipe:
    """A stderr of our own."""

    def __init__(self):
        self.read_fd, self.write_fd = os.pipe()

    def fileno(self):
        return self.write_fd

    def fill(self):
        os.set_blocking(self.write_fd, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.write_fd, b" " * 4096)
        os.set_blocking(self.write_fd, True)

    def lines(self):
        """Everything that was written, until the writer's end closes."""
        os.close(self.write_fd)
        with os.fdopen(self.read_fd) as reader:
            return [json.loads(line) for line in reader.read().strip().splitlines()]


@pytest.fixture
def pipe():
    return Pipe()


@pytest.fixture
def configured(pipe):
    """All logs of this process go into the pipe, and back where they went."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for handler in handlers:
        root.removeHandler(handler)  # or configure would close them
    handler = configure("info", pipe)
    yield handler
    handler.close()
    root.removeHandler(handler)
    logging.captureWarnings(capture=False)
    logging.getLogger("uvicorn.access").filters.clear()
    for old in handlers:
        root.addHandler(old)
    root.setLevel(level)


def formatted(message="something happened", *args, level=logging.INFO, exc_info=None, **extra):
    record = log.makeRecord(log.name, level, "file.py", 1, message, args, exc_info, extra=extra)
    return json.loads(JsonFormatter().format(record))


def test_a_record_is_one_line_of_json_with_its_ids(configured, pipe):
    log.info("an attempt ended", extra={"message_id": "em_1", "delivery": "em_1.0", "attempt": 2, "account": "mailgun"})
    log.debug("below the level")
    configured.close()
    (line,) = pipe.lines()
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "everpost.test",
        "event": "an attempt ended",
        "message": "em_1",
        "delivery": "em_1.0",
        "attempt": 2,
        "account": "mailgun",
    }


def test_the_callers_traceparent_is_carried(configured, pipe):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    log.info("accepted", extra={"trace": trace, "request": "r1"})
    configured.close()
    (line,) = pipe.lines()
    assert (line["trace"], line["request"]) == (trace, "r1")


def test_a_field_that_is_not_on_the_list_is_left_out_and_told():
    line = formatted(subject="Your invoice", to="bob@example.org", account="mailgun")
    assert line["left_out"] == ["subject", "to"]
    assert line["account"] == "mailgun"
    assert "invoice" not in json.dumps(line)
    assert "bob" not in json.dumps(line)


@pytest.mark.parametrize(
    "text",
    [
        "550 no such user bob@example.org",
        "Bob <bob@example.org> refused",
        "GET /v1/emails?recipient=bob%40example.org",
        "to:'bob@example.org'",
    ],
)
def test_an_address_is_masked_wherever_it_stands(text):
    for line in (formatted(text), formatted("%s", text), formatted(error=text), formatted(error=ValueError(text))):
        assert "bob" not in json.dumps(line)
        assert "***@***" in json.dumps(line)


def test_a_failure_is_told_by_type_text_and_stack_without_addresses():
    try:
        raise ValueError("bad address bob@example.org")
    except ValueError:
        line = formatted("a round failed", exc_info=sys.exc_info(), level=logging.ERROR)
    assert line["error_type"] == "ValueError"
    assert line["error"] == "bad address ***@***"
    assert "test_logs.py" in line["stack"][-1]


def test_a_long_text_is_cut_and_a_line_break_stays_within_its_line():
    line = formatted("x\n" * 10_000)
    assert len(line["event"]) == logs.TEXT_CHARS_MAX
    assert "\n" not in JsonFormatter().format(log.makeRecord("a", 20, "", 1, "a\nb", (), None))


def test_a_record_that_can_not_be_formatted_breaks_nobody(configured, pipe):
    configured.handle(log.makeRecord("everpost.test", 20, "", 1, "%d", ("not a number",), None))
    configured.close()
    (line,) = pipe.lines()
    assert line["event"] == "a log record could not be formatted"
    assert line["origin"] == "everpost.test"


async def test_a_blocked_stderr_never_blocks_the_event_loop(configured, pipe, monkeypatch):
    pipe.fill()
    more = logs.QUEUED_LINES_MAX + logs.BATCH_LINES_MAX + 100
    async with asyncio.timeout(60):  # a loop that blocks never gets here
        for _ in range(more):
            log.info("nobody reads this")
        await asyncio.sleep(0)
    assert configured.dropped >= 100


def test_lines_of_a_moment_are_written_at_once_and_the_end_waits_for_none(pipe, monkeypatch):
    monkeypatch.setattr(logs, "GATHER_S", 60.0)
    handler = ThreadedHandler(pipe)
    handler.setFormatter(JsonFormatter())
    batches = []
    monkeypatch.setattr(handler, "_write", lambda lines: batches.append(len(lines)))
    for _ in range(50):
        handler.emit(log.makeRecord("a", 20, "", 1, "x", (), None))
    handler.close()
    assert batches == [50]


def test_dropped_lines_are_counted_and_told_when_the_reader_is_back(pipe, monkeypatch):
    monkeypatch.setattr(logs, "QUEUED_LINES_MAX", 10)
    pipe.fill()
    handler = ThreadedHandler(pipe)
    handler.setFormatter(JsonFormatter())
    for _ in range(logs.BATCH_LINES_MAX + 100):
        handler.emit(log.makeRecord("a", 20, "", 1, "x", (), None))
    dropped = handler.dropped
    assert dropped >= 100 - 10
    reader = os.fdopen(os.dup(pipe.read_fd), "rb", buffering=0)
    while b'"dropped":' not in (seen := reader.read(65_536)):
        handler.emit(log.makeRecord("a", 20, "", 1, "x", (), None))
    told = next(json.loads(line) for line in seen.splitlines() if b'"dropped":' in line)
    assert told["event"] == "log lines were dropped"
    assert told["dropped"] >= 1
    handler.close()
    reader.close()
    pipe.lines()


def test_a_stream_that_does_not_block_by_itself_loses_nothing(pipe):
    os.set_blocking(pipe.write_fd, False)
    fcntl.fcntl(pipe.write_fd, fcntl.F_SETPIPE_SZ, 4096)
    handler = ThreadedHandler(pipe)
    handler.setFormatter(JsonFormatter())
    for number in range(200):
        handler.emit(log.makeRecord("a", 20, "", 1, f"line {number}", (), None))
    handler.emit(log.makeRecord("a", 20, "", 1, "last", (), None))
    seen = b""
    while b'"last"' not in seen:
        seen += os.read(pipe.read_fd, 4096)
    handler.close()
    assert [json.loads(line)["event"] for line in seen.splitlines()][:200] == [f"line {n}" for n in range(200)]
    assert handler.dropped == 0


def test_a_closed_stderr_costs_the_lines_and_nothing_else(pipe):
    os.close(pipe.read_fd)
    handler = ThreadedHandler(pipe)
    handler.setFormatter(JsonFormatter())
    handler.emit(log.makeRecord("a", 20, "", 1, "x", (), None))
    handler.close()
    assert handler.dropped == 1
    os.close(pipe.write_fd)


def test_uvicorns_own_logs_have_the_same_form_and_show_no_query(configured, pipe):
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7, extra={"color_message": "colours"})
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", "/v1/emails?recipient=bob", "1.1", 200
    )
    configured.close()
    started, request = pipe.lines()
    assert started["event"] == "Started server process [7]"
    assert "left_out" not in started
    assert request["event"] == "request"
    assert (request["method"], request["path"], request["status"]) == ("GET", "/v1/emails", 200)
    assert "bob" not in json.dumps(request)


def test_what_is_queued_is_written_when_the_process_ends():
    script = """
import logging
from everpost.logs import configure
configure("info")
for number in range(1000):
    logging.getLogger("x").info("line %d", number)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["event"] for line in lines] == [f"line {number}" for number in range(1000)]


def test_a_process_ends_though_nobody_reads_its_stderr(pipe):
    pipe.fill()
    script = """
import logging
from everpost.logs import configure
configure("info")
for number in range(1000):
    logging.getLogger("x").info("line %d", number)
"""
    ended = subprocess.run([sys.executable, "-c", script], stderr=pipe.write_fd, check=False, timeout=60)
    assert ended.returncode == 0
