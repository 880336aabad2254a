"""The lists of whom a provider writes to no more, at its stand-in: by mail that fails, and from ours and back."""

import sys
from itertools import count

import pytest
from msgspec.structs import asdict, replace

from everpost.engine.clock import SystemClock
from everpost.engine.exchange import Exchange
from everpost.model.account import Timeouts
from everpost.model.key import Caller, Scope
from everpost.model.message import Address
from everpost.model.outcome import Kind
from everpost.model.sighting import Reason, SightingKind
from everpost.model.suppression import ALL, Source, Suppression, SuppressionDraft
from everpost.providers.contract import outcome_of
from everpost.sandbox.events import USUAL, Told, fate_of
from everpost.sandbox.inbox import Happened
from everpost.sandbox.telling import TELLERS
from everpost.store.memory import MemoryStore
from everpost.wiring import PROVIDERS
from everpost.wiring.cloud import Cloud
from everpost.wiring.lists import LISTS
from provider_cases import DRAFT, ID, account_of, fitted

REFUSING = ("mailersend", "mandrill", "postmark", "sparkpost")  # in the answer; the others tell it later
BOUNCED, COMPLAINED, LEFT, FINE = (f"{name}@example.org" for name in ("Bounce", "complain", "unsubscribe", "ann"))
FATES = {"bounce": "bounced", "complain": "complained", "unsubscribe": "unsubscribed"}
LEAVING = Reason.SUPPRESSED_UNSUBSCRIBE
OURS = [f"ours-{number}@example.org" for number in range(3)]
BY_HAND = dict.fromkeys(("mailersend", "mandrill", "postmark", "resend", "sparkpost"), Source.ACCOUNT)
BY_HAND |= {"sendgrid": Source.UNSUBSCRIBE}  # how they call what was added
UNLISTED = {"ses": (LEFT,), "resend": (LEFT,), "scaleway": (COMPLAINED, LEFT)}  # of whom they have no list
BOUNCE = SuppressionDraft(address=OURS[0], source=Source.BOUNCE, reason="r")
each_provider = pytest.mark.parametrize("name", LISTS)
each_that_is_told = pytest.mark.parametrize("name", [name for name, lists in LISTS.items() if lists.takes])


class Post:
    """An account at a stand-in, and its exchange with a store of ours."""

    def __init__(self, sandbox, name, wire):
        self.provider = PROVIDERS[name]
        self.lists = LISTS.get(name)  # Mailjet's can be neither read nor added to
        self.account = account_of(name, {"base_url": sandbox.url(name)})
        self.wire = wire
        self.store = MemoryStore()
        self.numbers = count()  # some know a mail again by its id

    async def sent(self, *emails):
        mail = replace(fitted(self.provider.name, DRAFT), to=tuple(map(Address, emails)), cc=(), bcc=())
        request = self.provider.build(mail, f"{ID}{next(self.numbers)}", self.account)
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
    if name in LISTS:
        monkeypatch.setattr(sys.modules[LISTS[name].read.__module__], "PAGE_MAX", 2, raising=False)
    cloud = Cloud({})
    yield Post(sandbox, name, cloud.to_providers)
    await cloud.wire.close()


@each_provider
async def test_whom_a_mail_failed_for_is_listed_and_is_pulled(post, name):
    assert (await post.sent(BOUNCED, COMPLAINED, LEFT, FINE)).kind is Kind.ACCEPTED
    listed = {BOUNCED.lower(): Source.BOUNCE, COMPLAINED: Source.COMPLAINT, LEFT: Source.UNSUBSCRIBE}
    expected = {address: source for address, source in listed.items() if address not in UNLISTED.get(name, ())}
    assert await post.pulled() == expected


@each_that_is_told
async def test_what_is_pushed_is_listed_once_stops_mail_and_comes_back_page_by_page(post, name, sandbox):
    for _ in range(2):
        tally = await post.pushed(OURS)
        assert (tally.done, tally.refused) == (len(OURS), 0)
    assert await post.pulled() == dict.fromkeys(OURS, BY_HAND.get(name, Source.BOUNCE))
    outcome = await post.sent(OURS[0].capitalize())
    assert outcome.kind is (Kind.REFUSED if name in REFUSING else Kind.ACCEPTED)
    assert len(sandbox.inbox) == (0 if name in REFUSING else 1)
    assert (await post.sent(FINE)).kind is Kind.ACCEPTED


@each_that_is_told
async def test_an_entry_that_makes_no_sense_is_refused_and_adds_nobody(post, name):
    lists, domains = post.lists, {"domains": [{"id": "d-1"}]}
    (request,) = lists.add_to(post.account, domains, [BOUNCE]) if lists.add_to else lists.add(post.account, [BOUNCE])
    answer = await post.wire.send(replace(request, body=b'{"key": "md-key", "x": 1}'), Timeouts(), float("inf"))
    assert answer.status in {400, 422}
    assert await post.pulled() == {}


# --- what is told of mail to them -------------------------------------------------------------------------------------

BARRED = {
    "brevo": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT, "unsubscribe": LEAVING},
    "mailgun": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT, "unsubscribe": LEAVING},
    "mailjet": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT},
    "mailersend": {"bounce": None, "complain": None, "unsubscribe": None},
    "mailtrap": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT, "unsubscribe": LEAVING},
    "mandrill": {"bounce": Reason.OTHER, "complain": Reason.OTHER, "unsubscribe": Reason.OTHER},
    "postmark": {"bounce": None, "complain": None, "unsubscribe": None},
    "resend": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT},
    "scaleway": {"bounce": Reason.SUPPRESSED_BOUNCE},
    "sendgrid": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT, "unsubscribe": LEAVING},
    "ses": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT},
    "sparkpost": {"bounce": Reason.SUPPRESSED_BOUNCE, "complain": Reason.SUPPRESSED_COMPLAINT},
}
"""By provider and by what has put somebody on its list: why it rejects the mail; None: it tells that in its answer."""


@pytest.mark.parametrize("name", BARRED)
async def test_mail_to_somebody_who_is_listed_is_rejected_in_the_providers_way(post, name, sandbox):
    """By what it tells afterwards, as our own adapter reads it; whoever is not listed gets the mail."""
    heard = {}
    sandbox.telling.told = lambda caught, place, whats: heard.update({caught.draft.recipients[place].email: whats})
    sandbox.telling.tell(name, "http://127.0.0.1:1/", "http://127.0.0.1:1")
    addresses = [f"{fate}@example.org" for fate in FATES]
    await post.sent(*addresses)
    for caught in sandbox.inbox.list():
        sandbox.inbox.tell(caught.id, [Happened(at, what, 1.0) for at, what in enumerate(FATES.values())])
    heard.clear()
    assert (await post.sent(*addresses, FINE)).kind is Kind.ACCEPTED
    assert heard.pop(FINE) == USUAL
    (caught, *_) = sandbox.inbox.list()
    teller = TELLERS[name]()
    for place, (fate, address) in enumerate(zip(FATES, addresses, strict=True)):
        if fate not in BARRED[name]:
            assert heard[address] == fate_of(address)  # it has a list for others alone
            continue
        events = [Told(caught=caught, place=place, what=what, at=1.0) for what in heard[address]]
        read = [each for post_ in teller.posts(events, 1.0) for each in post.provider.webhook.read(post_.body)]
        rejected = [one.reason for one in read if one.kind is SightingKind.REJECTED]
        assert rejected == ([] if BARRED[name][fate] is None else [BARRED[name][fate]])
        assert {one.kind for one in read} <= {SightingKind.QUEUED, SightingKind.REJECTED}
