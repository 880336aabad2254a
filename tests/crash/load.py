"""Clients that hand in mail while servers die, and a journal of what they were promised."""

import asyncio
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct

from crash.processes import NO_ANSWER, ask, until

CLIENTS = 16
ANSWER_WITHIN_S = 5.0
PAUSE_S_MAX = 0.05  # between two mails of a client
BRISK = 6_000  # mails; the sandbox keeps 10,000, so on a fast machine the later ones come …
CALM_S_MAX = 2.0  # … with such pauses
RETRY_S = 0.1
ACKNOWLEDGED_WITHIN_S = 300.0  # of a mail with a key


class Acknowledged(Struct, frozen=True, kw_only=True):
    """A line of the journal."""

    number: int  # of the mail; it is in its subject, too
    key: str | None  # idempotency key
    id: str  # what the server has called it


def subject_of(number: int) -> str:
    return f"mail {number}"


class Load:
    """Half of the mails carry an Idempotency-Key and are repeated until they are acknowledged; of those, some are
    repeated once more. The others are handed in once, whatever comes of it."""

    def __init__(self, urls: Sequence[str], token: str, journal: Path, rng: random.Random, *, first: int = 1) -> None:
        self.urls = list(urls)  # where to; may be changed while it runs
        self.surprises: list[str] = []  # answers that no client should ever see
        self.refusals: list[str] = []  # in the server's words: it can't take mail now
        self.acknowledgements = 0
        self.handed_in = 0
        self._token = token
        self._journal = journal
        self._rng = rng
        self._numbers = itertools.count(first)
        self._stopping = False
        self._heard = asyncio.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """For tests that stop it themselves; if they fail first, the clients end here."""
        clients = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]
        self._clients = clients
        try:
            yield
        finally:
            for client in clients:
                client.cancel()

    async def stop(self) -> None:
        """Returns when every mail with a key has been acknowledged."""
        self._stopping = True
        await asyncio.gather(*self._clients)

    async def more(self, count: int) -> None:
        """Until so many more acknowledgements have been heard."""
        wanted = self.acknowledgements + count
        while self.acknowledgements < wanted:
            self._heard.clear()
            await self._heard.wait()

    async def refused(self, count: int) -> None:
        """Until so many more mails have been refused for now."""
        wanted = len(self.refusals) + count
        await until(partial(self._has_refused, wanted), ACKNOWLEDGED_WITHIN_S)

    async def _has_refused(self, count: int) -> bool:
        return len(self.refusals) >= count

    def read_journal(self) -> list[Acknowledged]:
        with self._journal.open() as lines:
            return [Acknowledged(**json.loads(line)) for line in lines]

    async def _client(self) -> None:
        while not self._stopping:
            await self._hand_in(next(self._numbers))
            await asyncio.sleep(self._rng.uniform(0, PAUSE_S_MAX if self.handed_in < BRISK else CALM_S_MAX))

    async def _hand_in(self, number: int) -> None:
        self.handed_in += 1
        key = f"key-{number}" if number % 2 else None
        if key is None:
            await self._try(number, key)
            return
        await until(partial(self._try, number, key), ACKNOWLEDGED_WITHIN_S, RETRY_S)
        if number % 10 == 1:  # a repetition after the answer
            await until(partial(self._try, number, key), ACKNOWLEDGED_WITHIN_S, RETRY_S)

    async def _try(self, number: int, key: str | None) -> bool:
        """One request; whether it was acknowledged."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        if number % 7 == 0:
            headers["Prefer"] = "wait=1"
        mail = {
            "from": "ann@example.com",
            "to": [f"bob{number}@example.org"],
            "subject": subject_of(number),
            "text": "It works",
        }
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                status, answer, _ = await ask("POST", f"{self._rng.choice(self.urls)}/v1/emails", mail, headers)
        except NO_ANSWER:
            return False
        if status in (200, 202):
            self._write(Acknowledged(number=number, key=key, id=answer["id"]))
            return True
        if status == 503:
            self.refusals.append(answer["detail"])
            return False
        if answer.get("code") != "idempotency_running":
            self.surprises.append(f"mail {number} was answered {status}: {answer}")
            return True
        return False

    def _write(self, line: Acknowledged) -> None:
        with self._journal.open("a") as journal:
            journal.write(json.dumps({"number": line.number, "key": line.key, "id": line.id}) + "\n")
        self.acknowledgements += 1
        self._heard.set()
