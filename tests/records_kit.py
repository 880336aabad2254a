"""Real providers without sockets, on the test's clock: they keep mail or lose it, and their records show it late."""

import asyncio
import math
import random
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

from engine_kit import World, account
from everpost.dialects.contract import Submission
from everpost.providers.contract import Fault, HttpResponse, Phase
from everpost.sandbox.api import Conduct
from everpost.sandbox.faults import Target
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS
from everpost.wiring import PROVIDERS

SETTINGS = {
    "mailgun": {"domain": "mg.example.com"},
    "mailjet": {"secret_key": "key-x"},
    "scaleway": {"project_id": "p1"},
}


class Provider:
    """One provider's servers."""

    def __init__(self, name, clock, seed):
        self.rng = random.Random(seed)
        self.conduct = Conduct()
        self.inbox = Inbox(clock)
        self.api = APIS[name](self.inbox, self.conduct, clock, self.rng)
        self.losing = 0.0  # share of the mail that it accepts and drops
        self.lag_s = lambda: 0.0  # how late its records are, drawn for each question
        self.deaf = 0.0  # share of the questions that get no answer
        self.asked = []  # when

    def answer(self, request, at):
        parts = urlsplit(request.url)
        submission = Submission(
            method=request.method,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in request.headers.items()} | {"host": parts.netloc},
            body=request.body,
        )
        if self.api.target(request.method, parts.path) is Target.LOOKUP:
            self.asked.append(at)
            self.conduct.lookup_lag_s = self.lag_s()
            if self.rng.random() < self.deaf:
                return Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer")
        rendered = self.api.answer(submission, lose=self.rng.random() < self.losing)
        return HttpResponse(status=rendered.status, headers=rendered.headers, body=rendered.body)


class Servers:
    """The wire to them, by account."""

    def __init__(self, name, accounts, clock):
        self.of = {account: Provider(name, clock, seed) for seed, account in enumerate(accounts)}

    async def send(self, request, timeouts, not_after):
        await asyncio.sleep(0.05)
        account = urlsplit(request.url).hostname.partition(".")[0]
        return self.of[account].answer(request, asyncio.get_running_loop().time())

    async def close(self):
        return None


def world_of(provider, *names, **fields):
    """Accounts of one provider's, each with servers of its own."""
    settings = {"api_key": "key-x"} | SETTINGS.get(provider, {})
    accounts = [
        account(name, provider=provider, settings=settings | {"base_url": f"http://{name}.test"}, **fields)
        for name in names
    ]
    world = World(*accounts, provider=PROVIDERS[provider])
    world.wire = Servers(provider, names, world.clock.now)
    return world


def lognormal(rng, median_s, p99_s):
    """Draws lags of this median and 99th percentile."""
    sigma = math.log(p99_s / median_s) / 2.326
    return lambda: rng.lognormvariate(math.log(median_s), sigma)


def carried(world):
    """Mails by the account that said that it has them."""
    return Counter({name: len(one.inbox.taken) + len(one.inbox.lost) for name, one in world.wire.of.items()})
