"""What a run is made of. All of it is data, so that it can be printed, shrunk, and played again."""

from typing import Final

from msgspec import Struct

from everpost.model.message import OnUnknown

DAY_S: Final = 86_400.0


class ProviderPlan(Struct, frozen=True, kw_only=True):
    faults: dict[str, float] = {}  # as shares of requests, during the storm
    script: str | None = None  # of the catalogue: then that tells the faults
    latency: str = "sendgrid"
    paged: bool = False  # its records fill two pages, and whatever is looked for stands on the second one
    deaf: bool = False  # its records can't be had, not even after the storm
    mute: bool = False  # it can't be asked at all
    weight: float | None = None
    concurrency: int = 10
    per_second: int | None = None
    per_day: int | None = None
    senders: tuple[str, ...] = ()  # domains that are verified there; empty: all
    recipients_max: int = 1000
    tells: dict[str, float] | None = None  # it has webhooks, with these troubles as shares; None: it has none


class Weather(Struct, frozen=True, kw_only=True):
    """How often a node meets each kind of trouble. Times are means, 0 means never."""

    crash_every_s: float = 0.0
    freeze_every_s: float = 0.0
    freeze_s: float = 30.0  # at most
    jump_every_s: float = 0.0
    jump_s: float = 0.0  # of its clock, at most
    deploy_every_s: float = 0.0  # a graceful stop, and a start
    store_refuses: float = 0.0  # share of operations that are not executed
    store_forgets: float = 0.0  # share of those that are executed while the caller is told that they were not
    alone: bool = False  # what it learns of providers' health is lost with each of its lives, and told to nobody


class NodePlan(Struct, frozen=True, kw_only=True):
    accepts: bool = True  # clients talk to it
    works: bool = True  # it delivers; without it, what it accepts is left in the queue to others
    skew_s: float = 0.0
    weather: Weather = Weather()


class CrashAt(Struct, frozen=True):
    """One crash at one point that can be named: for those who try them all."""

    step: int = 0  # the n-th time that any node is about to reach out, or has just done so; 0: never
    call: int = 0  # before the n-th callback of the event loop, which is where tasks await; 0: never


class Plan(Struct, frozen=True, kw_only=True):
    seed: int
    mails: int
    storm_s: float = 900.0
    projects: int = 1
    on_unknown: OnUnknown = OnUnknown.HOLD
    askable: bool = True  # in the end every provider can be asked, long before anybody gives up
    resolve_within_s: float = 3 * DAY_S
    providers: tuple[ProviderPlan, ...]
    nodes: tuple[NodePlan, ...]
    sink_fails: float = 0.0
    store_s: float = 0.0  # an operation of the store takes up to so long
    extremes: tuple[str, ...] = ()  # see `extremes`
    hurry: bool = False  # all mails come within a second
    operators: bool = False  # somebody changes the default account now and then
    crash: CrashAt = CrashAt()
