"""A provider that is no more than the contract asks for, and the books that it keeps."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from everpost.engine.fleet import Member
from everpost.model.account import Account, Quota, Timeouts
from everpost.model.message import Draft
from everpost.model.outcome import Kind, Outcome
from everpost.model.sighting import Sighting
from everpost.providers.contract import (
    Absent,
    Ask,
    Finding,
    Found,
    HttpRequest,
    HttpResponse,
    Limits,
    Lookup,
    Provider,
    Sought,
    Unclear,
)
from everpost.providers.hooks import Forged, Genuine, HookRequest, Webhook
from sim.behaviour import ACCOUNT_FAULTS, FINE, LAG_S, LATENCIES, LOOKUP_FAULTS, REFUSE, STATUSES
from sim.plan import ProviderPlan

TIMEOUTS = Timeouts(connect_s=1.0, write_s=1.0, answer_s=5.0)


def build(message: Draft, delivery_id: str, account: Account) -> HttpRequest:
    """The subject names the mail: of a repeated request that became two deliveries, both are the same mail."""
    headers = {"mail": message.subject, "from": message.sender.email, "to": ",".join(to.email for to in message.to)}
    return HttpRequest(method="POST", url=f"sim://{account.name}/send", headers=headers, body=delivery_id.encode())


def read(answer: HttpResponse, account: Account) -> Outcome:
    wait_s = float(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
    return Outcome(
        kind=STATUSES.get(answer.status, Kind.UNKNOWN),
        status=answer.status,
        provider_message_id=answer.body.decode() or None,
        account_fault=answer.status in ACCOUNT_FAULTS,
        retry_after_s=wait_s,
    )


def ask(sought: Sought, page: str = "1") -> HttpRequest:
    url = f"sim://{sought.account.name}/lookup"
    return HttpRequest(method="GET", url=url, headers={"page": page}, body=sought.delivery_id.encode())


def read_finding(sought: Sought, answer: HttpResponse) -> Finding:
    match answer.status:
        case 200:
            return Found(answer.body.decode())
        case 206:  # the records fill two pages
            return Ask((ask(sought, "2"), ask(sought, "3")))
        case 404:
            return Absent()
    return Unclear(f"status {answer.status}")


SECRET = "sim-secret"


def verify(request: HookRequest, account: Account, secrets: Sequence[str]) -> Genuine | Forged:
    return Genuine() if request.headers.get("secret") in secrets else Forged("it does not know the secret")


def read_events(body: bytes) -> tuple[Sighting, ...]:
    """They tell their events in the very words that Everpost has for them."""
    return msgspec.json.decode(body, type=tuple[Sighting, ...])


PROVIDER = Provider(
    name="sim",
    title="Simulated provider",
    docs="",
    settings=(),
    limits=Limits(recipients_max=1000, content_bytes_max=1_000_000),
    build=build,
    read=read,
    resolve=Lookup(lag_s=LAG_S, kept_s=30 * 86_400.0, start=ask, read=read_finding),
    webhook=Webhook(verify=verify, read=read_events, window_s=3600.0),
)

MUTE = replace(PROVIDER, name="mute", resolve=None)
"""The same, and nobody can ask it anything."""


def member(name: str, plan: ProviderPlan) -> Member:
    provider = MUTE if plan.mute else PROVIDER
    account = Account(
        name=name,
        provider=provider.name,
        timeouts=TIMEOUTS,
        max_concurrency=plan.concurrency,
        quota=Quota(per_second=plan.per_second, per_day=plan.per_day),
        senders=plan.senders,
        settings={} if plan.tells is None else {"webhook_secret": SECRET},
    )
    return Member(account, replace(provider, limits=replace(provider.limits, recipients_max=plan.recipients_max)))


@dataclass
class SimProvider:
    """One provider: what it has taken, and since when its records show it."""

    name: str
    plan: ProviderPlan
    faults: Mapping[str, float] = field(default_factory=dict)  # as shares of requests
    taken: Counter[str] = field(default_factory=Counter)  # delivery id -> how often: the ground truth
    dropped: set[str] = field(default_factory=set)  # of those: what never reached its recipient
    delayed: set[str] = field(default_factory=set)
    visible_at: dict[str, float] = field(default_factory=dict)
    first_bytes: list[tuple[float, int]] = field(default_factory=list)  # when, and for how many recipients
    deaf: bool = False  # its records can't be had, not even when everything else is well again

    def __post_init__(self) -> None:
        self.deaf = self.plan.deaf
        self.latency = LATENCIES[self.plan.latency]
        self.become(self.plan.faults)

    def become(self, faults: Mapping[str, float]) -> None:
        self.faults = faults
        self._drawn = [(name, share) for name, share in faults.items() if name not in (REFUSE, *LOOKUP_FAULTS)]

    def draw(self, rng: random.Random) -> str:
        """What it does with the next request."""
        mark = rng.random()
        for name, share in self._drawn:
            mark -= share
            if mark < 0:
                return name
        return FINE

    def meets(self, fault: str, rng: random.Random) -> bool:
        """Whether a fault that has nothing to do with the others strikes."""
        share = self.faults.get(fault, 0.0)
        return share > 0 and rng.random() < share
