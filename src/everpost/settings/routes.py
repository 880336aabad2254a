"""The [routes.*] tables."""

import re
from typing import Any, Final

from everpost.model.capability import Loss
from everpost.model.message import OnUnknown
from everpost.model.route import Route, RouteAccount
from everpost.settings import keys
from everpost.settings.section import Section, nearest

DEFAULT_ROUTE: Final = "default"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def check_name(top: Section, key: str, name: str) -> None:
    """Names of accounts and routes stand in addresses and metrics."""
    if not _NAME.fullmatch(name):
        top.fault(key, f"{name!r} is not a name", "small letters, digits, - and _, at most 63 of them")


def read_routes(top: Section, accounts: list[str]) -> tuple[Route, ...]:
    """The default route first. A route that lists no accounts has them all, in the order of the file."""
    everyone = tuple(RouteAccount(account=name) for name in accounts)
    routes = {DEFAULT_ROUTE: Route(name=DEFAULT_ROUTE, accounts=everyone)}
    for name, section in top.sections("routes").items():
        check_name(top, f"routes.{name}", name)
        routes[name] = _route(name, section, accounts)
    return tuple(routes.values())


def _route(name: str, section: Section, accounts: list[str]) -> Route:
    entries = section.entries(keys.ROUTE_ACCOUNTS, accounts)
    if not entries and accounts:
        section.fault(keys.ROUTE_ACCOUNTS.name, "is empty", f"a list of: {', '.join(accounts)}")
    route = Route(
        name=name,
        accounts=_members(section, entries, accounts),
        on_unknown=OnUnknown(section.text(keys.ON_UNKNOWN)),
        resolve_within_s=section.number(keys.RESOLVE_WITHIN_S),
        give_up_after_s=section.number(keys.GIVE_UP_AFTER_S),
        allow_loss=_losses(section),
    )
    section.close()
    return route


def _losses(section: Section) -> tuple[Loss, ...] | None:
    """None where the route says nothing; an empty list allows none."""
    if section.take(keys.ROUTE_ALLOW_LOSS.name) is None:
        return None
    read = section.texts(keys.ROUTE_ALLOW_LOSS)
    known = [loss.value for loss in Loss]
    for place, name in read:
        if name not in known:
            section.fault(place, f"{name!r} is nothing that a mail may lose", nearest(name, known) or ", ".join(known))
    return tuple(Loss(name) for name in dict.fromkeys(name for _, name in read) if name in known)


def _members(section: Section, entries: list[Any], accounts: list[str]) -> tuple[RouteAccount, ...]:
    members: list[RouteAccount] = []
    for index, entry in enumerate(entries):
        place = f"accounts[{index}]"
        member = RouteAccount(account=entry) if isinstance(entry, str) else _weighted(section, place, entry)
        if member is None:
            continue
        if member.account not in accounts:
            hint = nearest(member.account, accounts) or f"configured: {', '.join(accounts)}"
            section.fault(place, f"{member.account!r} is not a configured account", hint)
        elif any(member.account == other.account for other in members):
            section.fault(place, f"{member.account!r} is listed twice")
        members.append(member)
    return tuple(members)


def _weighted(section: Section, place: str, entry: Any) -> RouteAccount | None:
    if not isinstance(entry, dict):
        section.fault(place, "must be the name of an account or a table", '{ account = "NAME", weight = 3 }')
        return None
    nested = section.nested(place, entry)
    account, weight = nested.text(keys.MEMBER_ACCOUNT), nested.number(keys.MEMBER_WEIGHT)
    nested.close()
    if account is None and keys.MEMBER_ACCOUNT.name not in entry:
        nested.fault(keys.MEMBER_ACCOUNT.name, "is missing", "the name of an account")
    return RouteAccount(account=account, weight=weight) if account else None
