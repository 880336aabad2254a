"""How a sandbox provider misbehaves."""

from collections.abc import Iterable
from enum import StrEnum
from random import Random
from typing import Annotated, Final

from msgspec import Meta, Struct


class FaultKind(StrEnum):
    REFUSE = "refuse"  # nobody listens at the port; open connections are closed
    STATUS = "status"  # an error in the provider's own form, nothing accepted
    HTML = "html"  # a page of a proxy before the provider, nothing accepted
    HANG = "hang"  # the request is not read on, nothing accepted, no answer
    RESET = "reset"  # the connection is reset while the mail is being read, nothing accepted
    ACCEPT_HANG = "accept_hang"  # accepted, no answer
    ACCEPT_RESET = "accept_reset"  # accepted, then the connection is reset
    GARBAGE = "garbage"  # accepted, then a success without sense
    LOSE = "lose"  # answered with success, then dropped
    SLOW = "slow"  # accepted, and the answer comes after `delay_s`
    BOUNCE = "bounce"  # accepted; told later: the receiving server will not have it
    COMPLAIN = "complain"  # accepted; told later: delivered, and the recipient calls it spam
    MUTE = "mute"  # accepted; what becomes of it is listed, and its webhooks are lost


LATER: Final = frozenset({FaultKind.BOUNCE, FaultKind.COMPLAIN, FaultKind.MUTE})
"""They hit the mail, after its request was answered well."""
_NOT_OF_REQUESTS: Final = LATER | {FaultKind.REFUSE}


FOR_S_MAX: Final = 86_400.0


class Target(StrEnum):
    SEND = "send"
    LOOKUP = "lookup"  # any other request to a provider's API


class FaultPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault. `refuse` is a state of the port, so that share and count do not apply to it."""

    kind: FaultKind
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0  # part of the requests that it hits
    count: Annotated[int, Meta(ge=0)] | None = None  # how many it hits before it is over; None: no end
    for_s: Annotated[float, Meta(gt=0, le=FOR_S_MAX)] | None = None  # after which it is over; None: no end
    status: Annotated[int, Meta(ge=200, le=599)] | None = None  # None: 500, with html 503, by SMTP 451
    text: str = ""  # the provider's words; "": some of its own
    retry_after: str = ""  # a Retry-After header
    delay_s: Annotated[float, Meta(ge=0)] = 0.0
    target: Target = Target.SEND
    stage: str = "dot"  # by SMTP, where a status is given: rcpt or dot


class Running(Struct):
    """A fault in force."""

    plan: FaultPlan
    hits: int = 0  # requests, or mails, that it has hit

    @property
    def is_over(self) -> bool:
        return self.plan.count is not None and self.hits >= self.plan.count


class Faults:
    """The faults of one provider; the first plan that hits a request decides what becomes of it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._put: list[Running] = []

    @property
    def running(self) -> list[Running]:
        """What is still to come."""
        return [each for each in self._put if not each.is_over]

    @property
    def plans(self) -> list[FaultPlan]:
        """The same, as they were put."""
        return [each.plan for each in self.running]

    @property
    def refused(self) -> bool:
        return any(each.plan.kind is FaultKind.REFUSE for each in self._put)

    def put(self, *plans: FaultPlan) -> None:
        self._put = [Running(plan) for plan in plans]

    def end(self, plan: FaultPlan) -> None:
        """The time of this one is over."""
        self._put = [each for each in self._put if each.plan is not plan]

    def draw(self, target: Target) -> FaultPlan | None:
        """The fault that hits the next request, if one does."""
        plans = [each for each in self.running if each.plan.kind not in _NOT_OF_REQUESTS]
        return self._drawn(each for each in plans if each.plan.target is target)

    def draw_later(self) -> FaultKind | None:
        """What will be told of the mail that was taken just now, if anything that it did not ask for."""
        plan = self._drawn(each for each in self.running if each.plan.kind in LATER)
        return None if plan is None else plan.kind

    def _drawn(self, among: Iterable[Running]) -> FaultPlan | None:
        for each in among:
            if each.plan.share >= 1 or self._random.random() < each.plan.share:
                each.hits += 1
                return each.plan
        return None
