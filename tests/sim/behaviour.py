"""What a provider does with a request, kind by kind, and how long it takes: data for the fake providers."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Final

from everpost.model.outcome import Kind

LAG_S: Final = 60.0
"""The providers promise to show a mail in their records within this time, and take nearly all of it at times."""


@dataclass(frozen=True)
class Behaviour:
    """`takes`: the mail is accepted there, whatever the sender learns of it."""

    status: int = 0  # of the answer; 0: none comes
    takes: bool = False
    retry_after_s: tuple[int, ...] = ()  # one of them stands in the answer
    cut: bool = False  # the connection breaks in the middle of the request: proof that it was not taken
    reset: bool = False  # the connection breaks where the answer should come, at once; else there is silence
    late: bool = False  # it is taken only after a while, up to nearly the promised lag
    slow: bool = False  # the answer comes nearly too late
    drops: bool = False  # accepted, and never delivered to its recipient: nobody outside can know
    delays_s: float = 0.0  # accepted, and delivered so much later


FINE: Final = "fine"
BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    FINE: Behaviour(202, takes=True),
    "slow": Behaviour(202, takes=True, slow=True),
    "drop": Behaviour(202, takes=True, drops=True),
    "delay": Behaviour(202, takes=True, delays_s=4 * 3600.0),
    "cut": Behaviour(cut=True),
    "hang": Behaviour(),
    "reset": Behaviour(reset=True),
    "400": Behaviour(400),  # the mail is faulty: nobody would take it
    "401": Behaviour(401),  # the key was revoked
    "403": Behaviour(403),  # the account was suspended
    "412": Behaviour(412),  # the sender's domain is not verified there
    "413": Behaviour(413),
    "429": Behaviour(429, retry_after_s=(1, 20, 120)),
    "cliff": Behaviour(429, retry_after_s=(3600,)),  # the quota of the plan is used up
    "500": Behaviour(500),
    "503": Behaviour(503),
    "accept_late": Behaviour(takes=True, late=True),
    "accept_hang": Behaviour(takes=True),
    "accept_reset": Behaviour(takes=True, reset=True),
    "accept_502": Behaviour(502, takes=True),
    "accept_garbled": Behaviour(299, takes=True),  # an answer that makes no sense
}
REFUSE: Final = "refuse"  # no connection: nothing of a request leaves
LOOKUP_FAULTS: Final = ("lookup_down", "lookup_lag")  # of its records alone; the lag stays within what was promised
FAULTS: Final = (REFUSE, *(name for name in BEHAVIOURS if name != FINE), *LOOKUP_FAULTS)
REFUSED_FOR_GOOD: Final = {"400", "412", "413"}

STATUSES: Final = {
    202: Kind.ACCEPTED,
    400: Kind.REJECTED,
    401: Kind.REFUSED,
    403: Kind.REFUSED,
    412: Kind.REFUSED,
    413: Kind.REFUSED,
    429: Kind.THROTTLED,
    503: Kind.UNAVAILABLE,
}
ACCOUNT_FAULTS: Final = {401, 403}


@dataclass(frozen=True)
class Latency:
    """From the first byte to the answer: log-normal, in milliseconds."""

    p50_ms: float
    p99_ms: float | None = None  # None: as far from the median as the others' is

    def draw_s(self, rng: random.Random) -> float:
        spread = self.p99_ms / self.p50_ms if self.p99_ms is not None else 6.5
        return self.p50_ms / 1000 * exp(rng.gauss(0, log(spread) / _SIGMAS_OF_P99))


_SIGMAS_OF_P99: Final = 2.326
LATENCIES: Final[Mapping[str, Latency]] = {  # as measured over 90 days: knock.app/email-api-benchmarks
    "sendgrid": Latency(22, 157),
    "postmark": Latency(33, 208),
    "postmark_worst_day": Latency(33, 648),
    "resend": Latency(79),
    "mailgun": Latency(124),
    "ses": Latency(136),
    "mandrill": Latency(130),
    "mailersend": Latency(264),
    "sparkpost": Latency(287),
    "mailjet": Latency(412),
}
