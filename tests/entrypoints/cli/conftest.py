"""A real HTTP server that answers as it is told, and the command line run against it."""

import json
import threading
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from everpost.entrypoints import cli

STREAM = "text/event-stream"


@dataclass
class Asked:
    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@dataclass
class Server:
    url: str
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[tuple[int, object]]] = field(default_factory=dict)

    def put(self, method, path, status, *bodies):
        """Answers in this order; the last one again and again."""
        self.answers[method, path] = [(status, body) for body in bodies]

    def answer(self, asked):
        self.asked.append(asked)
        path = asked.path.partition("?")[0]
        if asked.headers["Accept"] == STREAM:
            return self.answers.get((STREAM, path), [(406, {"code": "no_streams", "title": "None here"})]).pop(0)
        queued = self.answers.get((asked.method, path))
        if queued is None:
            return 404, {"code": "not_found", "status": 404, "title": "Not found", "detail": "there is no such thing"}
        return queued.pop(0) if len(queued) > 1 else queued[0]


class _Handler(BaseHTTPRequestHandler):
    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, answer = self.server.told.answer(Asked(self.command, self.path, self.headers, body))
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if self.headers["Accept"] == STREAM and status == 200:
            self.send_header("Content-Type", STREAM)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server finds them by these names

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    http_server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http_server.told = Server(f"http://127.0.0.1:{http_server.server_port}")
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http_server.told
    http_server.shutdown()
    http_server.server_close()
    thread.join()


@pytest.fixture
def everpost(server, capsys, monkeypatch):
    """Runs a command against the server: `everpost("show", "em_1")`."""
    for name in ("EVERPOST_KEY", "EVERPOST_DATA", "EVERPOST_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVERPOST_URL", server.url)
    monkeypatch.setenv("TZ", "UTC")

    def everpost(*words):
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as ended:  # argparse
            code = ended.code
        return Ended(code, *capsys.readouterr())

    return everpost
