"""What a look into a provider's records adds to what is known of them. Looks come in any order, some of them twice."""

from typing import Final

from msgspec.structs import replace

from everpost.health.port import Report, Sign
from everpost.model.account import Look, Records

LOOKS: Final = frozenset({Sign.SHOWN, Sign.MISSING, Sign.ABSENT})
LOOKS_KEPT: Final = 8
SHOWN_AGAIN: Final = 3  # so many of the latest mails are there: whatever was missing is over
FADING: Final = 0.99  # of the longest lag, for each mail that is found


def looked(records: Records, report: Report) -> Records:
    """`records` and this look."""
    shown = report.sign is Sign.SHOWN
    asked_at = report.at + report.after_s
    records = replace(
        records,
        looks=_with(records.looks, Look(report.mail, report.at, shown)),
        looked_at=max(asked_at, records.looked_at or asked_at),
    )
    records = _shown(records, report) if shown else _missing(records, report)
    if len(records.looks) >= SHOWN_AGAIN and all(look.shown for look in records.looks[-SHOWN_AGAIN:]):
        return replace(records, missing_since=None)
    return records


def _with(looks: tuple[Look, ...], look: Look) -> tuple[Look, ...]:
    """What was once found is there, whatever a later look says."""
    by_mail = {each.mail: each for each in looks}
    if look.shown or look.mail not in by_mail:
        by_mail[look.mail] = look
    return tuple(sorted(by_mail.values(), key=lambda each: each.accepted_at)[-LOOKS_KEPT:])


def _shown(records: Records, report: Report) -> Records:
    is_latest = records.shown_at is None or report.at > records.shown_at
    return replace(
        records,
        shown=records.shown + 1,
        shown_at=report.at if is_latest else records.shown_at,
        lag_s=max(report.after_s, FADING * records.lag_s),
        absent=0 if is_latest else records.absent,
    )


def _missing(records: Records, report: Report) -> Records:
    is_later = records.shown_at is None or report.at > records.shown_at
    return replace(
        records,
        missing_since=report.at if records.missing_since is None else records.missing_since,
        absent=records.absent + (report.sign is Sign.ABSENT and is_later),
    )
