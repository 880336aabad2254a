"""Scaleway's blocklists: https://www.scaleway.com/en/developers/api/transactional-email/

Each domain has one, and is known by its id: so the project's domains are asked for first. A full mailbox is passed
over, since that ends by itself. Entries are added for one domain alone, so nothing is.
"""

from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.reading import at
from everpost.providers.scaleway import ABOVE, REGIONS

PASSING: Final = "mailbox_full"
SOURCES: Final = {"mailbox_not_found": Source.BOUNCE}
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


LISTS: Final = Lists(names=("domains",), ask=_ask, read=_read)
