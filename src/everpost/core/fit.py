"""Whether an account can carry a mail at all, whatever its health."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final

from msgspec import Struct

from everpost.core.losing import unwanted
from everpost.model.account import Account
from everpost.model.capability import Limits, Loss
from everpost.model.message import Draft, size_bytes

_CACHED_MAX: Final = 256  # lists of allowed recipients: one an account


class Carrier(Struct, frozen=True, kw_only=True):
    """An account, and what its provider can take."""

    account: Account
    limits: Limits
    fault: Callable[[Draft], str | None] | None = None  # why the provider can't express a mail; None: it always can


def misfit(draft: Draft, carrier: Carrier, policy: Collection[Loss] | None = None) -> str | None:
    """Why the account can't carry the mail; None: it can. `policy` is what its route lets mails lose."""
    account = carrier.account
    if draft.provider_options and account.provider not in draft.provider_options:
        return f"the mail is pinned to {', '.join(sorted(draft.provider_options))} by its provider_options"
    if account.senders:
        domain = _domain(draft.sender.email)
        if not any(_covers(sender.lower(), domain) for sender in account.senders):
            return f"it may not send for the domain {domain}"
    if account.recipients and (strangers := _strangers(draft, account.recipients)):
        return f"{strangers} of the recipients are not on its list of allowed recipients"
    return _over_limit(draft, carrier) or unwanted(draft, carrier.limits, policy)


def unfit(draft: Draft, carrier: Carrier, policy: Collection[Loss] | None = None) -> str | None:
    """Why the account, or its provider, can't carry the mail; None: they can."""
    return misfit(draft, carrier, policy) or (carrier.fault(draft) if carrier.fault is not None else None)


def _over_limit(draft: Draft, carrier: Carrier) -> str | None:
    limits, count = carrier.limits, len(draft.recipients)
    if count > limits.recipients_max:
        return f"{count} recipients are more than its {limits.recipients_max}"
    quota = carrier.account.quota
    for unit, amount_max in (("second", quota.per_second), ("day", quota.per_day), ("month", quota.per_month)):
        if amount_max is not None and count > amount_max:
            return f"{count} recipients are more than its quota of {amount_max} a {unit}"
    if draft.is_raw and not limits.raw:
        return f"it takes no mail as it stands (raw MIME): {limits.not_raw}"
    if not limits.inline and any(attachment.content_id for attachment in draft.attachments):
        return "it has no inline attachments"
    return oversize(size_bytes(draft), carrier)


def oversize(size: int, carrier: Carrier) -> str | None:
    if size > carrier.limits.content_bytes_max:
        return f"{size} bytes of content are more than its {carrier.limits.content_bytes_max}"
    return None


def _strangers(draft: Draft, patterns: tuple[str, ...]) -> int:
    allowed = _allowed(patterns)
    return sum(not allowed.fullmatch(recipient.email.lower()) for recipient in draft.recipients)


@lru_cache(_CACHED_MAX)
def _allowed(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """`*` stands for any characters, everything else for itself."""
    return re.compile("|".join(".*".join(map(re.escape, pattern.lower().split("*"))) for pattern in patterns))


def _covers(sender: str, domain: str) -> bool:
    """`*.example.com` stands for every domain below, `example.com` for itself."""
    return domain.endswith(sender[1:]) if sender.startswith("*.") else domain == sender


def _domain(email: str) -> str:
    return email.rpartition("@")[2].lower()
