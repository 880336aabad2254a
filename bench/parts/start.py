"""How long one waits: until a server is ready, and from a fresh clone to the first mail in the inbox."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from figures import median
from processes import Server, ask, free_port, running, stub
from results import Told
from scale import Scale

ROOT = Path(__file__).parents[2]
INSTALL_WITHIN_S = 300
SHOWN_WITHIN_S = 60.0
POLL_S = 0.01
MAIL = {"from": "ann@example.com", "to": "bob@example.org", "subject": "first mail", "text": "It works"}


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    with stub(0.0) as (port,):
        (folder / "server").mkdir()
        server = Server(folder / "server", port)
        starts = []
        for _ in range(scale.starts):
            with server.up():
                starts.append(server.ready_s)
    told.add("ready", "server ready after", median(starts), "s")
    warm = _fresh_clone(folder / "warm", {})
    told.add("install", "`make install` in a fresh clone, packages in the cache", warm[0], "s")
    told.add("first_mail", "  from there to the first mail in the inbox", warm[1], "s")
    if not scale.quick:
        cold = _fresh_clone(folder / "cold", {"UV_CACHE_DIR": str(folder / "cache")})
        told.add("install_cold", "`make install` in a fresh clone, nothing in the cache", cold[0], "s")
        told.add("first_mail_cold", "  from there to the first mail in the inbox", cold[1], "s")
    told.how = (
        f"Ready: from the start of `everpost serve` to the first good answer of /readyz, median of {scale.starts}. "
        "First mail: `git clone`, `make install`, then from the start of `everpost dev` until a mail that is handed in "
        "as soon as the server answers lies in the inbox of its sandbox."
    )
    return told


def _fresh_clone(folder: Path, more: dict[str, str]) -> tuple[float, float]:
    """Seconds of the installation, and from its end to the first mail in the inbox."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | more
    began = time.perf_counter()
    make = shutil.which("make") or "make"
    subprocess.run(
        [make, "install"], cwd=folder, env=environment, check=True, stdout=sys.stderr, timeout=INSTALL_WITHIN_S
    )
    installed = time.perf_counter()
    _first_mail(folder)
    return installed - began, time.perf_counter() - installed


def _first_mail(folder: Path) -> None:
    port, smtp_port, control_port = free_port(), free_port(), free_port()
    ports = [f"--port={port}", f"--smtp-port={smtp_port}", f"--control-port={control_port}"]
    with running(folder / ".venv" / "bin" / "everpost", "dev", *ports, "--data", folder / "data"):
        _until(lambda: _hand_in(port))
        _until(lambda: MAIL["subject"].encode() in ask(control_port, "/_sandbox/inbox"))


def _hand_in(port: int) -> bool:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/emails", json.dumps(MAIL).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status == 202


def _until(is_done: Callable[[], bool]) -> None:
    until = time.perf_counter() + SHOWN_WITHIN_S
    while time.perf_counter() < until:
        try:
            if is_done():
                return
        except OSError:
            pass
        time.sleep(POLL_S)
    raise TimeoutError(f"no mail in the inbox within {SHOWN_WITHIN_S} s")
