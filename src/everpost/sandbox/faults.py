"""How a sandbox provider misbehaves."""

from enum import StrEnum
from random import Random
from typing import Annotated

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


class Target(StrEnum):
    SEND = "send"
    LOOKUP = "lookup"  # any other request to a provider's API


class FaultPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault. `refuse` is a state of the port, so that share and count do not apply to it."""

    kind: FaultKind
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0  # part of the requests that it hits
    count: Annotated[int, Meta(ge=0)] | None = None  # how many it hits before it is over; None: no end
    status: Annotated[int, Meta(ge=200, le=599)] | None = None  # None: 500, with html 503, by SMTP 451
    text: str = ""  # the provider's words; "": some of its own
    retry_after: str = ""  # a Retry-After header
    delay_s: Annotated[float, Meta(ge=0)] = 0.0
    target: Target = Target.SEND
    stage: str = "dot"  # by SMTP, where a status is given: rcpt or dot


class Faults:
    """The faults of one provider; the first plan that hits a request decides what becomes of it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._left: list[tuple[FaultPlan, int | None]] = []

    @property
    def plans(self) -> list[FaultPlan]:
        """What is still to come."""
        return [plan for plan, left in self._left if left != 0]

    @property
    def refused(self) -> bool:
        return any(plan.kind is FaultKind.REFUSE for plan, _ in self._left)

    def put(self, *plans: FaultPlan) -> None:
        self._left = [(plan, plan.count) for plan in plans]

    def draw(self, target: Target) -> FaultPlan | None:
        """The fault that hits the next request, if one does."""
        for at, (plan, left) in enumerate(self._left):
            if plan.target is not target or plan.kind is FaultKind.REFUSE or left == 0:
                continue
            if plan.share >= 1 or self._random.random() < plan.share:
                self._left[at] = (plan, None if left is None else left - 1)
                return plan
        return None
