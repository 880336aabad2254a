"""A write to a delivery, computed by `core` and carried out by a store in one step."""

from msgspec import Struct

from everpost.model.delivery import Delivery
from everpost.model.event import Event


class Charge(Struct, frozen=True, kw_only=True):
    """A use of an account's quota within one window, and the most that the window allows."""

    account: str
    unit: str  # second, day, month
    window_at: float  # when the window began
    amount: int
    amount_max: int


class Usage(Struct, frozen=True):
    """What is used up of the newest window of an account's quota."""

    window_at: float
    used: int


class Change(Struct, frozen=True, kw_only=True):
    """The next state of a delivery with the events that tell it. Holds only if the stored version is `was`."""

    delivery: Delivery
    was: int
    events: tuple[Event, ...] = ()
    charges: tuple[Charge, ...] = ()
