"""Questions as Postmark's clients ask them: https://postmarkapp.com/developer/api/messages-api

Names of parameters are read in any case of letters, in which the clients differ. Times without a zone are UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from everpost.dialects.contract import Submission
from everpost.dialects.faults import Faults

COUNT_MAX: Final = 500
REACH_MAX: Final = 10_000  # of count and offset together
STREAM: Final = "outbound"
"""The only message stream: what Everpost knows as one belongs to mails of the native API."""
_SPELLINGS: Final[Mapping[str, Sequence[str]]] = {
    "fromdate": ("fromdate", "fromDate"),
    "todate": ("todate", "toDate"),
    "messagestream": ("messagestream", "messageStream"),
    "messageid": ("messageID", "messageid", "messageId"),
    "emailfilter": ("emailFilter", "emailfilter"),
    "emailaddress": ("EmailAddress", "emailaddress", "emailAddress"),
    "suppressionreason": ("SuppressionReason", "suppressionreason", "suppressionReason"),
    "origin": ("Origin", "origin"),
}


def spelled(*names: str) -> tuple[str, ...]:
    """Parameters in all ways in which clients write them."""
    return tuple(each for name in names for each in _SPELLINGS.get(name, (name,)))


def read_query(submission: Submission, faults: Faults) -> dict[str, str]:
    """By their names in lower case."""
    found: dict[str, str] = {}
    for name, value in submission.query.items():
        if name.lower() in found:
            faults.add(name, "is given twice, in different letter case")
        found[name.lower()] = value
    if found.get("messagestream", STREAM) != STREAM:
        faults.add("messagestream", f"must be {STREAM}: there is no other stream here")
    return found


def read_reach(query: Mapping[str, str], faults: Faults) -> tuple[int, int]:
    """How many, and behind how many."""
    count, offset = (_number(query, name, default, faults) for name, default in (("count", "100"), ("offset", "0")))
    if not 1 <= count <= COUNT_MAX:
        faults.add("count", f"must be a number from 1 to {COUNT_MAX}")
    elif count + offset > REACH_MAX:
        faults.add("offset", f"and count must not be more than {REACH_MAX} together")
    return count, offset


def _number(query: Mapping[str, str], name: str, default: str, faults: Faults) -> int:
    text = query.get(name, default)
    if text.isascii() and text.isdecimal():
        return int(text[:9])
    faults.add(name, "must be a number")
    return 1


def read_times(query: Mapping[str, str], faults: Faults) -> tuple[float | None, float | None]:
    """From when on, and before when. A day is meant as a whole."""
    since, until = (_time(query, name, faults) for name in ("fromdate", "todate"))
    if until is not None:
        until += timedelta(days=1) if len(query["todate"]) == len("2030-01-31") else timedelta(seconds=1)
    return None if since is None else since.timestamp(), None if until is None else until.timestamp()


def _time(query: Mapping[str, str], name: str, faults: Faults) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.year not in range(1971, 9999):
        faults.add(name, "must be a day or a time: 2030-01-31 or 2030-01-31T09:00:00")
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
