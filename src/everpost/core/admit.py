"""What is checked before a mail is accepted and needs the time or the configuration."""

from collections.abc import Iterable, Mapping

from everpost.core.fit import Carrier, unfit
from everpost.model import limits
from everpost.model.message import Draft
from everpost.model.problem import FieldError, Problem
from everpost.model.route import Route


def admit(draft: Draft, routes: Mapping[str, Route], carriers: Mapping[str, Carrier], now: float) -> Problem | None:
    """Why the mail can't be accepted; None: it can. A mail that no account of its route can carry is refused here,
    while its sender is still listening. An account that is only down, throttled or out of quota is no reason."""
    errors = [] if draft.send_at is None and draft.expires_at is None else [*_times(draft, now)]
    route = routes.get(draft.route)
    if route is None:
        errors.append(FieldError("route", f"unknown route {draft.route!r}; known: {_listed(routes)}"))
    if draft.provider_options:
        errors += _options(draft, carriers)
    if errors:
        title = "The request has faulty fields"
        return Problem(code="validation_failed", status=422, title=title, errors=tuple(errors))
    return _carried(draft, route, carriers) if route is not None else None


def _times(draft: Draft, now: float) -> Iterable[FieldError]:
    days = limits.SEND_AT_AHEAD_S_MAX // 86_400
    if draft.send_at is not None and draft.send_at > now + limits.SEND_AT_AHEAD_S_MAX:
        yield FieldError("send_at", f"must be at most {days} days ahead")
    if draft.expires_at is None:
        return
    if draft.expires_at <= now:
        yield FieldError("expires_at", "lies in the past")
    elif draft.expires_at > now + limits.EXPIRES_AHEAD_S_MAX:
        yield FieldError("expires_at", f"must be at most {limits.EXPIRES_AHEAD_S_MAX // 86_400} days ahead")
    if draft.send_at is not None and draft.expires_at <= draft.send_at:
        yield FieldError("expires_at", "must come after send_at")


def _options(draft: Draft, carriers: Mapping[str, Carrier]) -> Iterable[FieldError]:
    known = {carrier.account.provider for carrier in carriers.values()}
    for name in draft.provider_options:
        if name not in known:
            yield FieldError(
                f"provider_options.{name}", f"no account of provider {name!r}; there are: {_listed(known)}"
            )


def _carried(draft: Draft, route: Route, carriers: Mapping[str, Carrier]) -> Problem | None:
    reasons = []
    for entry in route.accounts:
        carrier = carriers.get(entry.account)
        reason = "it is not configured" if carrier is None else unfit(draft, carrier, route.allow_loss)
        if reason is None:
            return None
        reasons.append(FieldError("route", f"account {entry.account}: {reason}"))
    detail = f"no account of the route {route.name!r} can carry this mail; nothing was accepted"
    title = "No account can carry this mail"
    return Problem(code="no_account_can_carry", status=422, title=title, detail=detail, errors=tuple(reasons))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
