"""Real servers of Everpost, as several suites start them."""

import os
import random
import socket
import sys
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
EVERPOST = (sys.executable, "-m", "everpost.entrypoints.cli")

LAG_S = 0.2  # what these accounts are told of the sandbox's records
API_ACCOUNTS = """
[accounts.mailgun]
provider = "mailgun"
domain = "mg.example.com"
api_key = "key-sandbox"
base_url = "http://127.0.0.1:{mailgun}"
lookup_lag_s = 0.2
timeouts = {{ connect_s = {patience_s}, write_s = {patience_s}, answer_s = {patience_s} }}
[accounts.sendgrid]
provider = "sendgrid"
api_key = "SG.sandbox"
base_url = "http://127.0.0.1:{sendgrid}"
lookup_lag_s = 0.2
timeouts = {{ connect_s = {patience_s}, write_s = {patience_s}, answer_s = {patience_s} }}
"""
"""Both at a sandbox, by its ports."""


def free_ports(count: int) -> list[int]:
    """Below those that the kernel gives to clients: a port must still be free after its server was killed."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(10_000, low)
        with suppress(OSError), socket.create_server((HOST, port)):
            if port not in found:
                found.append(port)
    return found


def environ() -> dict[str, str]:
    """That of the tests, without settings of Everpost."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EVERPOST_")}
