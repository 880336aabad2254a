"""Lambda's Runtime API for one function: tells what its process has used when it asks for its first event."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue

HOST = "127.0.0.1"
WITHIN_S = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    wall_s: float  # from its start
    cpu_s: float
    memory_bytes: int  # the most that it has held


def init_of(*command: str, environ: Mapping[str, str], folder: Path) -> Used:
    """Starts a function, and ends it when it is ready. Raises RuntimeError with what it says if it does not come up."""
    asked: SimpleQueue[bytes] = SimpleQueue()
    with _api(asked) as port, (folder / "function.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{port}", **environ},
            stdout=log,
            stderr=log,
        )
        try:
            if fault := asked.get(timeout=WITHIN_S):
                raise RuntimeError(fault.decode())
            return _used(process.pid, time.perf_counter() - began)
        finally:
            process.kill()
            process.wait()


@contextmanager
def _api(asked: "SimpleQueue[bytes]"):
    """Its port. `asked` gets nothing when an event is asked for, which never comes, or else what is wrong."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.put(b"")
            over.wait()

        def do_POST(self) -> None:
            asked.put(self.rfile.read(int(self.headers["Content-Length"])))

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address) -> None:
            """The function was killed: whatever it had to say comes to nothing."""

    with Server((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()


def _used(pid: int, wall_s: float) -> Used:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return Used(wall_s, sum(map(int, ticks)) / _TICKS, int(peak) * 1024)
