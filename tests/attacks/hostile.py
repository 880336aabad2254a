"""A provider that repeats whatever it is told: in its errors, its ids and its replies."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"


class _Parrot(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server: Any = self.server
        server.asked.append((self.command, self.path, dict(self.headers), body))
        status, form, headers = server.script[(len(server.asked) - 1) % len(server.script)]
        told = f"{self.path} {self.headers.get('Authorization')} {body.decode('latin-1')}"
        content = form(told, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _handle  # noqa: N815 - http.server finds them by these names

    def log_message(self, *_: Any) -> None:
        pass


def in_words(told: str, _: bytes) -> bytes:
    """In both providers' forms at once, as much of it as is kept of an error."""
    pieces = [told[start : start + 400] for start in range(0, min(len(told), 8000), 400)]
    return json.dumps({"message": told, "errors": [{"message": piece} for piece in pieces]}).encode()


def as_page(told: str, _: bytes) -> bytes:
    return f"<html><pre>{told}</pre></html>".encode()


def backwards(told: str, _: bytes) -> bytes:
    """The end of what was told first."""
    return json.dumps({"message": told[-480:], "errors": [{"message": told[-480:]}]}).encode()


@contextmanager
def parrot(*script: tuple[int, Any, dict[str, str]]) -> Iterator[Any]:
    """An HTTP provider that answers by a script: status, form of the body, headers. After the last the first again."""
    with ThreadingHTTPServer((HOST, 0), _Parrot) as server:
        server.script = list(script)
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


class _MailParrot(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        refusing: str = server.refuses
        self._say("220 parrot")
        for raw in self.rfile:
            line = raw.decode("latin-1").rstrip("\r\n")
            verb = line.partition(" ")[0].upper()
            server.heard.append(line)
            if verb == "EHLO":
                self._say("250-parrot\r\n250 AUTH PLAIN")
            elif verb == refusing:
                self._say(f"535 5.7.8 no: {line}" if verb == "AUTH" else f"550 5.7.1 no: {line}")
            elif verb == "AUTH":
                self._say("235 ok")
            elif verb == "DATA":
                self._say("354 go on")
                content = b"".join(iter(self.rfile.readline, b".\r\n")).decode("latin-1")
                self._say(f"550 5.7.1 {' '.join(content.split())[-450:]}")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode("latin-1", errors="replace") + b"\r\n")


@contextmanager
def mail_parrot(refuses: str) -> Iterator[Any]:
    """A mail server that refuses a command, or the content, in its sender's own words."""
    with socketserver.ThreadingTCPServer((HOST, 0), _MailParrot) as server:
        server.daemon_threads = True
        server.refuses = refuses
        server.heard = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
