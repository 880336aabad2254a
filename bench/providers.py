"""Two providers that fail when told to and remember what they took: `everpost sandbox`, twice."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from everpost.sandbox.sandbox import PORTS
from processes import EVERPOST, free_port, running, until_answered

KEPT_MAX = 10_000  # what a sandbox shows of the mails it took
SMTP_STATUS = {"status": 451}  # where HTTP says 500: later, perhaps
Fault = dict[str, Any]


class Provider:
    """One sandbox: its ports, its faults, and what it took."""

    def __init__(self) -> None:
        self._ports = {name: free_port() for name in PORTS}
        self.port, self.mail_port, self._control = (self._ports[name] for name in ("sendgrid", "smtp", "control"))

    @contextmanager
    def up(self) -> Iterator["Provider"]:
        words = [f"--{name}-port={port}" for name, port in self._ports.items()]
        with running(EVERPOST, "sandbox", *words):
            until_answered(self._control, "/_sandbox/ledger")
            yield self

    def fail(self, *faults: Fault) -> None:
        """From now on it fails so, by HTTP and by SMTP; without a fault it is well."""
        self._ask("PUT", "/_sandbox/sendgrid/faults", list(faults))
        by_smtp = [fault | SMTP_STATUS if "status" in fault else fault for fault in faults]
        self._ask("PUT", "/_sandbox/smtp/faults", by_smtp)

    def forget(self) -> None:
        self._ask("DELETE", "/_sandbox/inbox")

    def taken(self) -> Counter[str]:
        """How many copies of each mail will arrive, by its subject."""
        caught = self._ask("GET", f"/_sandbox/inbox?limit={KEPT_MAX}")["data"]
        return Counter(each["subject"] for each in caught if not each["lost"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._control, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {told.decode()}")
        return json.loads(told) if told else None


@contextmanager
def two_providers() -> Iterator[tuple[Provider, Provider]]:
    with ExitStack() as running_ones:
        yield running_ones.enter_context(Provider().up()), running_ones.enter_context(Provider().up())
