"""A development server in a process of its own, for as long as the demo runs."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from everpost.entrypoints.cli.client import Client
from everpost.entrypoints.cli.command import Stop

READY_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.05
STOP_WITHIN_S: Final = 20.0
_MODULE: Final = "everpost.entrypoints.cli"


@contextmanager
def running_server(answer_timeout_s: float, lookup_lag_s: float) -> Iterator[str]:
    """The address of `everpost dev` on free ports and a fresh folder; both are gone afterwards."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="everpost-demo-")))
        port, smtp_port = _free_ports()
        options = {
            "--port": port,
            "--smtp-port": smtp_port,
            "--data": folder / "data",
            "--answer-timeout": answer_timeout_s,
            "--lookup-lag": lookup_lag_s,
            "--log-level": "error",
        }
        words = [str(word) for option in options.items() for word in option]
        output = parts.enter_context((folder / "output").open("w+"))
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-m", _MODULE, "dev", *words], stdout=output, stderr=subprocess.STDOUT
        )
        parts.callback(_stop, process)
        url = f"http://127.0.0.1:{port}"
        if not _is_ready(url, process):
            output.seek(0)
            raise Stop("the server did not start", details=output.read().splitlines()[-20:])
        yield url


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    give_up_at = time.monotonic() + READY_WITHIN_S
    client = Client(url)
    while process.poll() is None and time.monotonic() < give_up_at:
        with suppress(Stop):
            client.get("/readyz")
            return True
        time.sleep(LOOK_EVERY_S)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
