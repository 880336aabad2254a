"""Whether an account still keeps what it accepts.

A provider may say "accepted" and do nothing: a bad deploy, a compliance stop. Of some of its mail it is asked later
whether its records show it. One mail that is missing tells nothing: records lag, searches fail, mails get lost one by
one. So it takes most of the latest looks, of an account whose records have shown mail before, and each of them counts
only when the mail is older than twice what those records have needed lately.

That much puts an account in doubt: it gets little mail, and all of it while no other account is free; records that
have only become late cost no more than that. It is shut when mails are absent that are older than twice the longest
time that the provider's records may take, and no later one is there.
"""

from typing import Final

from msgspec import Struct

from everpost.model.account import Account, Records

SAMPLE_S: Final = 20.0  # between two mails of an account that are looked for
ASKS_S: Final = (30.0, 60.0, 90.0)  # how old a mail is when it is looked for, while nothing is wrong
MISSING_S_MIN: Final = 120.0  # it is missing at this age, or later where the records are slow
LATENESS: Final = 2.0  # what a lag is multiplied by before absence counts
REASON: Final = "mail that it has accepted does not show in its records"


class ConfirmPolicy(Struct, frozen=True, kw_only=True):
    experience: int = 5  # mails that the records must have shown, ever: else they may never show any
    missing: int = 5  # of the latest looks (eight are kept) that did not find their mail
    absent: int = 5  # mails, and none found that was accepted after them
    share: float = 0.02  # of the traffic of an account in doubt: what it is watched by
    open_s: float = 300.0  # between two probes: what a probe has come to must show first
    forget_s: float = 7200.0  # without a look that tells something: then nothing is known any more


DEFAULT_POLICY: Final = ConfirmPolicy()


def in_doubt(records: Records, now: float, policy: ConfirmPolicy = DEFAULT_POLICY) -> bool:
    """Most of the latest mails are missing."""
    missing = records.missing if records.missing_since is not None else 0
    return is_proven(records, now, policy) or (_can_tell(records, now, policy) and missing >= policy.missing)


def is_proven(records: Records, now: float, policy: ConfirmPolicy = DEFAULT_POLICY) -> bool:
    """Nothing that it accepts arrives any more."""
    return _can_tell(records, now, policy) and records.absent >= policy.absent


def _can_tell(records: Records, now: float, policy: ConfirmPolicy) -> bool:
    is_fresh = records.looked_at is not None and now - records.looked_at < policy.forget_s
    return is_fresh and has_experience(records, policy)


def has_experience(records: Records, policy: ConfirmPolicy = DEFAULT_POLICY) -> bool:
    """They have shown enough mail for its lack to mean something."""
    return records.shown >= policy.experience


def absent_s(account: Account, lag_s: float) -> float:
    """How old a mail must be for its absence to be certain."""
    lag = account.lookup_lag_s if account.lookup_lag_s is not None else lag_s
    return max(LATENESS * lag, MISSING_S_MIN)


def missing_s(records: Records, absent_after_s: float, policy: ConfirmPolicy = DEFAULT_POLICY) -> float:
    """How old a mail must be to be missing: by what these records have needed lately, if that is known."""
    if not has_experience(records, policy):
        return absent_after_s
    return min(max(LATENESS * records.lag_s, MISSING_S_MIN), absent_after_s)


def next_ask_s(age_s: float, missing_after_s: float, absent_after_s: float) -> float:
    """The age at which a mail that was looked for in vain at `age_s` is looked for again: when it should have shown up,
    then rarer and rarer, at last when its absence is certain."""
    early = next((ask for ask in ASKS_S if age_s < ask < missing_after_s), missing_after_s)
    return early if age_s < missing_after_s else min(LATENESS * age_s, absent_after_s)
