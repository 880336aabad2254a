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
def running_server(answer_timeout_s: float, lookup_lag_s: float, *more: str) -> Iterator[tuple[str, str]]:
    """The addresses of `everpost dev` and of its sandbox's control, on free ports and a fresh folder. `more`: providers
    beside the usual ones."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="everpost-demo-")))
        port, smtp_port, control_port = _free_ports(3)
        options = {
            "--port": port,
            "--smtp-port": smtp_port,
            "--control-port": control_port,
            "--data": folder / "data",
            "--answer-timeout": answer_timeout_s,
            "--lookup-lag": lookup_lag_s,
            "--log-level": "error",
        }
        words = [str(word) for option in options.items() for word in option]
        words += [word for provider in more for word in ("--with", provider)]
        output = parts.enter_context((folder / "output").open("w+"))
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-m", _MODULE, "dev", *words], stdout=output, stderr=subprocess.STDOUT
        )
        parts.callback(_stop, process)
        url = f"http://127.0.0.1:{port}"
        if not _is_ready(url, process):
            output.seek(0)
            raise Stop("the server did not start", details=output.read().splitlines()[-20:])
        yield url, f"http://127.0.0.1:{control_port}"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as sockets:  # all at once, or one could be given out twice
        opened = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in opened]


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
