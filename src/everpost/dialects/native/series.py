"""Figures over time, as the native API gives them."""

from typing import Annotated, TypedDict

from msgspec import Meta

from everpost.dialects.native.render import instant
from everpost.model.limits import SERIES_ACCOUNTS_MAX
from everpost.model.series import FAILURES, AccountSeries, Count, Series, Whole


class FailuresView(TypedDict):
    """Answers after which an account has not taken a mail, or nobody knows. A value for each bucket."""

    refused: list[int]
    throttled: list[int]
    unavailable: list[int]
    unknown: list[int]
    rejected: Annotated[list[int], Meta(description="No provider would take that mail: not the account's fault.")]


class WholeView(TypedDict):
    """Over all buckets."""

    success_share: float | None
    p50_ms: float | None
    p99_ms: float | None


class AccountSeriesView(TypedDict):
    """Of one account, a value for each bucket."""

    account: Annotated[str, Meta(description=f"`*`: all accounts beyond the first {SERIES_ACCOUNTS_MAX}.")]
    attempts: Annotated[list[int], Meta(description="Requests that were begun.")]
    sent: Annotated[list[int], Meta(description="Mails that it has taken.")]
    held: Annotated[list[int], Meta(description="Mails that it has taken and parked.")]
    failures: FailuresView
    found: Annotated[list[int], Meta(description="Unknown answers that turned out to be taken mails.")]
    failovers_from: Annotated[list[int], Meta(description="Attempts elsewhere, of mail that was tried here before.")]
    failovers_to: Annotated[list[int], Meta(description="Attempts here, of mail that was tried elsewhere before.")]
    opened: Annotated[list[int], Meta(description="Times that its circuit opened.")]
    closed: Annotated[list[int], Meta(description="Times that its circuit closed.")]
    delivered: Annotated[list[int], Meta(description="Recipients, when its provider told it.")]
    bounced: Annotated[list[int], Meta(description="Recipients that were not reached after all.")]
    complained: list[int]
    success_share: Annotated[
        list[float | None],
        Meta(description="Of the answers that tell of the account (rejected mail does not). Null: there were none."),
    ]
    p50_ms: Annotated[list[float | None], Meta(description="Half of the answers came within this time.")]
    p99_ms: list[float | None]
    whole: WholeView


class TotalsView(TypedDict):
    """Of the project, a value for each bucket: mails accepted, and deliveries by how they ended."""

    accepted: list[int]
    sent: list[int]
    failed: list[int]
    held: list[int]
    cancelled: list[int]


class SeriesView(TypedDict):
    """What happened in buckets of the same length, the oldest first. The last one is not over yet."""

    range: str
    bucket_s: Annotated[int, Meta(description="Length of a bucket.")]
    starts: Annotated[list[str], Meta(description="When each bucket begins.")]
    totals: TotalsView
    queue_age_s: Annotated[
        list[float | None],
        Meta(description="The longest that due mail of any project has waited. Null: none was seen to wait."),
    ]
    accounts: list[AccountSeriesView]


def render_series(series: Series) -> SeriesView:
    totals = series.counts
    return {
        "range": series.range.value,
        "bucket_s": series.bucket_s,
        "starts": [instant(at) for at in series.starts],
        "totals": {
            "accepted": list(totals[Count.ACCEPTED]),
            "sent": list(totals[Count.SENT]),
            "failed": list(totals[Count.FAILED]),
            "held": list(totals[Count.HELD]),
            "cancelled": list(totals[Count.CANCELLED]),
        },
        "queue_age_s": list(series.queue_age_s),
        "accounts": [_account(account) for account in series.accounts],
    }


def _account(series: AccountSeries) -> AccountSeriesView:
    def column(count: Count) -> list[int]:
        return list(series.counts[count])

    refused, throttled, unavailable, unknown, rejected = map(column, FAILURES)
    return {
        "account": series.name,
        "attempts": column(Count.ATTEMPTS),
        "sent": column(Count.SENT),
        "held": column(Count.HELD),
        "failures": {
            "refused": refused,
            "throttled": throttled,
            "unavailable": unavailable,
            "unknown": unknown,
            "rejected": rejected,
        },
        "found": column(Count.FOUND),
        "failovers_from": column(Count.FAILOVERS_FROM),
        "failovers_to": column(Count.FAILOVERS_TO),
        "opened": column(Count.OPENED),
        "closed": column(Count.CLOSED),
        "delivered": column(Count.DELIVERED),
        "bounced": column(Count.BOUNCED),
        "complained": column(Count.COMPLAINED),
        "success_share": list(series.success_share),
        "p50_ms": list(series.p50_ms),
        "p99_ms": list(series.p99_ms),
        "whole": _whole(series.whole),
    }


def _whole(whole: Whole) -> WholeView:
    return {"success_share": whole.success_share, "p50_ms": whole.p50_ms, "p99_ms": whole.p99_ms}
