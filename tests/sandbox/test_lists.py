"""The lists of whom a provider writes to no more, at its stand-in: by mail that fails, and from ours and back."""

import sys

import pytest
from msgspec.structs import asdict, replace

from everpost.engine.clock import SystemClock
from everpost.engine.exchange import Exchange
from everpost.model.account import Timeouts
from everpost.model.key import Caller, Scope
from everpost.model.message import Address
from everpost.model.outcome import Kind
from everpost.model.suppression import ALL, Source, Suppression, SuppressionDraft
from everpost.providers.contract import outcome_of
from everpost.store.memory import MemoryStore
from everpost.wiring import PROVIDERS
from everpost.wiring.cloud import Cloud
from everpost.wiring.lists import LISTS
from provider_cases import DRAFT, ID, account_of, fitted

NAMES = ("mailgun", "postmark", "sendgrid", "ses", "sparkpost")
REFUSING = ("postmark", "sparkpost")  # in the answer; the others take the mail and tell it later
BOUNCED, COMPLAINED, LEFT, FINE = (f"{name}@example.org" for name in ("Bounce", "complain", "unsubscribe", "ann"))
OURS = [f"ours-{number}@example.org" for number in range(3)]
OF_ACCOUNT = {"postmark": Source.ACCOUNT, "sparkpost": Source.ACCOUNT, "sendgrid": Source.UNSUBSCRIBE}
BOUNCE = SuppressionDraft(address=OURS[0], source=Source.BOUNCE, reason="r")
each_provider = pytest.mark.parametrize("name", NAMES)


class Post:
    """An account at a stand-in, and its exchange with a store of ours."""

    def __init__(self, sandbox, name, wire):
        self.provider = PROVIDERS[name]
        self.lists = LISTS[name]
        self.account = account_of(name, {"base_url": sandbox.url(name)})
        self.wire = wire
        self.store = MemoryStore()

    async def sent(self, *emails):
        mail = replace(fitted(self.provider.name, DRAFT), to=tuple(map(Address, emails)), cc=(), bcc=())
        request = self.provider.build(mail, ID, self.account)
        return outcome_of(self.provider, await self.wire.send(request, Timeouts(), float("inf")), self.account)

    @property
    def exchange(self):
        return Exchange(self.store, self.wire, SystemClock())

    async def pulled(self):
        """What the provider lists, by a store that knew nothing."""
        self.store = MemoryStore()
        tally = await self.exchange.pull(CALLER, self.account, self.lists, stream=ALL, dry_run=False)
        rows = await self.store.list_suppressions(CALLER.project, "", ("", ALL), 99)
        assert len(rows) == tally.done
        return {row.address: row.source for row in rows}

    async def pushed(self, emails):
        row = Suppression(**asdict(BOUNCE) | {"project": CALLER.project, "created_at": 1.0})
        await self.store.suppress([replace(row, address=email) for email in emails], [])
        return await self.exchange.push(CALLER, self.account, self.lists, dry_run=False)


CALLER = Caller(project="default", who="test", scope=Scope.ADMIN)


@pytest.fixture
async def post(sandbox, name, monkeypatch):
    """Its lists are read by pages of two."""
    module = sys.modules[LISTS[name].read.__module__]
    monkeypatch.setattr(module, "PAGE_MAX", 2, raising=False)
    cloud = Cloud({})
    yield Post(sandbox, name, cloud.to_providers)
    await cloud.wire.close()


@each_provider
async def test_whom_a_mail_failed_for_is_listed_and_is_pulled(post, name):
    assert (await post.sent(BOUNCED, COMPLAINED, LEFT, FINE)).kind is Kind.ACCEPTED
    expected = {BOUNCED.lower(): Source.BOUNCE, COMPLAINED: Source.COMPLAINT, LEFT: Source.UNSUBSCRIBE}
    if name == "ses":
        del expected[LEFT]  # its list knows none
    assert await post.pulled() == expected


@each_provider
async def test_what_is_pushed_is_listed_once_stops_mail_and_comes_back_page_by_page(post, name, sandbox):
    for _ in range(2):
        tally = await post.pushed(OURS)
        assert (tally.done, tally.refused) == (len(OURS), 0)
    assert await post.pulled() == dict.fromkeys(OURS, OF_ACCOUNT.get(name, Source.BOUNCE))
    outcome = await post.sent(OURS[0].capitalize())
    assert outcome.kind is (Kind.REFUSED if name in REFUSING else Kind.ACCEPTED)
    assert len(sandbox.inbox) == (0 if name in REFUSING else 1)
    assert (await post.sent(FINE)).kind is Kind.ACCEPTED


@each_provider
async def test_an_entry_that_makes_no_sense_is_refused_and_adds_nobody(post, name):
    (request,) = post.lists.add(post.account, [BOUNCE])
    answer = await post.wire.send(replace(request, body=b'{"x": 1}'), Timeouts(), float("inf"))
    assert answer.status in {400, 422}
    assert await post.pulled() == {}
