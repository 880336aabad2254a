"""Mailgun's events as it lists them: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/events

Each is what stands under `event-data` in a webhook. Pages are to be trusted when they are half an hour old. The last
page is an empty one.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.history import History, Listed, Question
from everpost.providers.mailgun import events

PAGE: Final = {"ascending": "yes", "limit": 300}
LATE_S: Final = 1800.0


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]
    paging: dict[str, str] = {}


def history(url: Callable[[Account, str], str], regions: Mapping[str, str]) -> History:
    """`url`: of a path of the API, with the account's domain in it."""

    def ask(account: Account, address: str) -> Question:
        request = http.request_of("GET", address, http.basic("api", http.lookup_key(account)))
        return Question(request=request, read=partial(read, account))

    def start(account: Account, since: float, until: float) -> Question:
        what = {"begin": f"{since:.3f}", "end": f"{until:.3f}"}
        return ask(account, url(account, "/v3/{}/events?" + urlencode(what | PAGE)))

    def read(account: Account, response: c.HttpResponse) -> Listed | c.Unclear:
        page = _page(response)
        if page is None:
            return http.untold(response)
        told = tuple(one for raw in page.items for one in events.read(b'{"event-data": %b}' % bytes(raw)))
        following = page.paging.get("next", "")
        if not told or not following:
            return Listed(told=told)
        if not http.is_own(account, regions, following):
            return c.Unclear("the next page of events is at another host")
        return Listed(told=told, further=(ask(account, following),))

    return History(start=start, late_s=LATE_S)


def _page(response: c.HttpResponse) -> _Page | None:
    if response.status != 200:
        return None
    try:
        return msgspec.json.decode(response.body, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
