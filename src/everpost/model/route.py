"""Which accounts may carry a mail, and in which order."""

from msgspec import Struct

from everpost.model.capability import Loss
from everpost.model.message import OnUnknown


class RouteAccount(Struct, frozen=True, kw_only=True):
    account: str
    weight: float | None = None
    paused: bool = False


class Route(Struct, frozen=True, kw_only=True):
    """An ordered list, its first account being the default; with weights, chance picks who goes first."""

    name: str
    accounts: tuple[RouteAccount, ...]
    on_unknown: OnUnknown = OnUnknown.RESEND
    resolve_within_s: float = 3600.0
    give_up_after_s: float = 72 * 3600.0
    allow_loss: tuple[Loss, ...] | None = None  # what its mails may lose at a provider; None: what no reader can see
    version: int = 0  # of the stored document; 0: as configured, never changed at run time

    @property
    def default(self) -> str:
        return self.accounts[0].account
