"""Scaleway's blocklists: https://www.scaleway.com/en/developers/api/transactional-email/

Each domain has one, and is known by its id: so the project's domains are asked for first. A full mailbox is passed
over, since that ends by itself. A hard bounce is added to the list of every domain; its entries end, too, some day.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.reading import at
from everpost.providers.scaleway.adapter import ABOVE, REGIONS

PASSING: Final = "mailbox_full"
BOUNCED: Final = "mailbox_not_found"
SOURCES: Final = {BOUNCED: Source.BOUNCE}
FIRST: Final = "1"
PAGE_MAX: Final = 100


def _ask(account: Account, _: str, place: str) -> HttpRequest:
    """A place is what is still to be read: pages of the domains ("2"), and of the list of a domain ("2:ID")."""
    page, _, domain = (place or FIRST).split(" ")[0].partition(":")
    whose = {"domain_id": domain} if domain else {"project_id": account.settings["project_id"]}
    query = urlencode(whose | {"page": page, "page_size": PAGE_MAX})
    path = f"{ABOVE}/{'blocklists' if domain else 'domains'}?{query}"
    return http.json_request("GET", http.url_of(account, REGIONS, path), http.lookup_key(account), None, "X-Auth-Token")


def _read(_name: str, place: str, body: Any) -> Page | None:
    here, *further = (place or FIRST).split(" ")
    page, _, domain = here.partition(":")
    items = at(body, "blocklists" if domain else "domains")
    if not isinstance(items, list):
        return None
    following = str(int(page) + 1)
    further += [f"{following}:{domain}" if domain else following] if len(items) == PAGE_MAX else []
    if not domain:
        further += [f"{FIRST}:{at(item, 'id')}" for item in items if at(item, "id")]
        return Page((), " ".join(further))
    lasting = [item for item in items if at(item, "type") != PASSING]
    return Page(rows_of((at(x, "email"), _source(x), at(x, "reason")) for x in lasting), " ".join(further))


def _source(item: Any) -> Source:
    return SOURCES.get(str(at(item, "type")), Source.ACCOUNT)


def _domains(account: Account) -> HttpRequest:
    return _ask(account, "domains", "")


def _add(account: Account, domains: Any, rows: Sequence[SuppressionDraft]) -> list[HttpRequest] | None:
    url = http.url_of(account, REGIONS, f"{ABOVE}/blocklists")
    named = at(domains, "domains")
    ids = [at(one, "id") for one in named if at(one, "id")] if isinstance(named, list) else []
    entries = {"emails": [row.address for row in rows], "type": BOUNCED, "reason": "it is suppressed by Everpost"}
    requests = [
        http.json_request("POST", url, http.lookup_key(account), {"domain_id": id_} | entries, "X-Auth-Token")
        for id_ in ids
    ]
    return requests or None


LISTS: Final = Lists(
    names=("domains",),
    ask=_ask,
    read=_read,
    domains=_domains,
    add_to=_add,
    takes=frozenset({Source.BOUNCE}),
    at_once_max=100,
)
