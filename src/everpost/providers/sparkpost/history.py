"""SparkPost's events as it lists them: https://developers.sparkpost.com/api/events/

Each is what a webhook wraps into its class. They are kept for ten days.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.history import History, Listed, Question
from everpost.providers.sparkpost import events

EVENTS_MAX: Final = 1000  # of a page
LATE_S: Final = 600.0


class _Page(msgspec.Struct):
    results: list[msgspec.Raw]
    links: Any = None


def history(regions: Mapping[str, str]) -> History:
    def ask(account: Account, path: str) -> Question:
        request = http.json_request("GET", http.url_of(account, regions, path), http.lookup_key(account))
        return Question(request=request, read=partial(read, account))

    def start(account: Account, since: float, until: float) -> Question:
        what = {"from": _minute(since), "to": _minute(until + 60.0), "per_page": EVENTS_MAX, "cursor": "initial"}
        return ask(account, f"/api/v1/events/message?{urlencode(what)}")

    def read(account: Account, response: c.HttpResponse) -> Listed | c.Unclear:
        page = _page(response)
        if page is None:
            return http.untold(response)
        wrapped = (b'{"msys": {"event": %b}}' % bytes(raw) for raw in page.results)
        told = events.read(b"[%b]" % b",".join(wrapped))
        following = page.links.get("next") if isinstance(page.links, dict) else None
        if not told or not isinstance(following, str):
            return Listed(told=told)
        further = ask(account, following)
        if not http.is_own(account, regions, further.request.url):
            return c.Unclear("the next page of events is at another place")
        return Listed(told=told, further=(further,))

    return History(start=start, late_s=LATE_S)


def _minute(at: float) -> str:
    """SparkPost reads minutes; what lies between is listed twice rather than not at all."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:00Z}"


def _page(response: c.HttpResponse) -> _Page | None:
    if response.status != 200:
        return None
    try:
        return msgspec.json.decode(response.body, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
