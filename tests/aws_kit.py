"""AWS on loopback: ministack as a process of its own, and clients of it."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from everpost.aws import AwsClient, CredentialChain, Site
from everpost.wiring.aws import aws_transport
from server_kit import HOST, free_ports
from system_parts import missing

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
START_S = 30.0


def environ_of(endpoint: str) -> dict[str, str]:
    """What a process needs in its environment to find the AWS at `endpoint`."""
    return {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, **KEYS}


def client_of(wire, endpoint: str, *, chance=lambda: 0.0, **options) -> AwsClient:
    """By default one that does not pause before it repeats a call."""
    environ, transport = environ_of(endpoint), aws_transport(wire)
    credentials = CredentialChain(environ, transport, time.time)
    return AwsClient(transport, credentials, Site.of(environ), chance=chance, **options)


@contextmanager
def ministack(log: Path) -> Iterator[str]:
    """Its address. Skips (in CI: fails) where it is not installed."""
    program = Path(sys.executable).parent / "ministack"
    if not program.exists():
        missing("ministack is not installed: it comes with the dependency group `aws`")
    [port] = free_ports(1)
    environ = {"GATEWAY_PORT": str(port), "BIND_HOST": HOST, "LAMBDA_EXECUTOR": "local"}
    process = subprocess.Popen(
        [program], env=os.environ | environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    ready = threading.Event()
    listener = threading.Thread(target=_listen, args=(process, log, ready))
    listener.start()
    try:
        if not ready.wait(START_S) or not _answers(process, port):
            missing(f"ministack does not start: {log.read_text()[-2000:]}")
        yield f"http://{HOST}:{port}"
    finally:
        process.kill()
        process.wait()
        listener.join()


def _listen(process: "subprocess.Popen[bytes]", log: Path, ready: threading.Event) -> None:
    assert process.stdout is not None
    with process.stdout as said, log.open("wb") as out:
        for line in said:
            out.write(line)
            out.flush()
            if b"services available" in line:
                ready.set()
    ready.set()  # it has ended


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """It says that it is ready a moment before it listens."""
    ends_at = time.monotonic() + START_S
    while time.monotonic() < ends_at and process.poll() is None:
        with suppress(OSError), closing(http.client.HTTPConnection(HOST, port, timeout=START_S)) as asked:
            asked.request("GET", "/_ministack/health")
            return asked.getresponse().status == 200
    return False
