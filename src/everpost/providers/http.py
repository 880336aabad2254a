"""What providers that are spoken to over HTTP share: addresses, settings, and the plain side of lookups."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from everpost.model.account import Account
from everpost.model.message import Draft
from everpost.providers.contract import Absent, Finding, Form, HttpRequest, HttpResponse, Setting, Sought, Unclear
from everpost.providers.fields import without_repeats
from everpost.providers.hooks import QUEUE, SECRET, TOPICS, URL
from everpost.providers.options import Path, below

_PLAIN: Final = re.compile(r"[a-z0-9._+@-]+")
_ASKABLE: Final = re.compile(r"[!-~]+")  # what may stand in a request's target
AUTHORIZATION: Final = "Authorization"
Read = Callable[[Sought, HttpResponse], Finding]
_WINDOW_S: Final = 3600.0  # how long after an attempt's time is over the provider may still date it


API_KEY: Final = Setting(name="api_key", help="key that may send mail", required=True, secret=True)
LOOKUP_KEY: Final = Setting(
    name="lookup_api_key", help="key that may read logs and events, if api_key can't", secret=True
)
BASE_URL: Final = Setting(name="base_url", form=Form.URL, help="another address of the API, such as that of a sandbox")
WEBHOOK_SECRET: Final = Setting(
    name=SECRET, help="what proves that its events are its own; without it they are refused", secret=True
)
WEBHOOK_TOPICS: Final = Setting(
    name=TOPICS, help="names (ARNs) of the topics that bring its events, parted by commas; others are refused"
)
WEBHOOK_URL: Final = Setting(name=URL, help="its webhook's address exactly as entered there: it is signed, too")
WEBHOOK_QUEUE: Final = Setting(name=QUEUE, help="name of the SQS queue that brings its events to the function `hooks`")


def region_of(regions: Mapping[str, str]) -> Setting:
    """`regions`: the address of the API by the name of the region, the default one first."""
    return Setting(name="region", help="where the account lives", default=next(iter(regions)), choices=tuple(regions))


def settings_of(regions: Mapping[str, str], *more: Setting) -> tuple[Setting, ...]:
    """Those of most APIs; the region is chosen where there are several."""
    region = (region_of(regions),) if len(regions) > 1 else ()
    return (API_KEY, LOOKUP_KEY, *region, BASE_URL, *more)


def url_of(account: Account, regions: Mapping[str, str], path: str) -> str:
    region = account.settings.get("region") or next(iter(regions))
    return (account.settings.get("base_url") or regions[region]).rstrip("/") + path


def is_own(account: Account, regions: Mapping[str, str], url: str) -> bool:
    """Whether an address that an answer names leads to the same API, and can be asked at all."""
    return url.startswith(url_of(account, regions, "/")) and _ASKABLE.fullmatch(url) is not None


def request_of(
    method: str, url: str, login: str, content_type: str = "", body: bytes = b"", header: str = AUTHORIZATION
) -> HttpRequest:
    """`header`: the one in which the API wants to see who is asking; "" if it is in the body."""
    headers = ({header: login} if header else {}) | {"User-Agent": "everpost"}
    if content_type:
        headers["Content-Type"] = content_type
    secret = "" if header == AUTHORIZATION else login
    return HttpRequest(method=method, url=url, headers=headers, body=body, secret=secret)


def json_request(method: str, url: str, login: str, value: Any = None, header: str = AUTHORIZATION) -> HttpRequest:
    if value is None:
        return request_of(method, url, login, header=header)
    return request_of(method, url, login, "application/json", msgspec.json.encode(value), header)


def part(id_: Any) -> str:
    """An id that an answer names, as one part of a path."""
    return quote(str(id_), safe="")


def basic(user: str, password: str) -> str:
    """A login of RFC 7617."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def lookup_key(account: Account) -> str:
    """A key that may read, where the sending key may not."""
    return account.settings.get("lookup_api_key") or account.settings["api_key"]


def utc(at: float) -> str:
    """A time in whole seconds, as most searches read it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def window(sought: Sought) -> tuple[datetime, datetime]:
    """When the provider may have taken the mail by its own clock."""
    begin_at = sought.started_at - sought.clock_off_s
    end_at = sought.started_at + sought.account.timeouts.total_s + max(_WINDOW_S, sought.clock_off_s)
    return datetime.fromtimestamp(begin_at, UTC), datetime.fromtimestamp(end_at, UTC)


def searched(message: Draft) -> str:
    """The recipient to search the provider's records for: one that every search reads as it stands, if there is one.
    No provider says whether its search minds capital letters, and how it quotes an apostrophe."""
    emails = [address.email for group in without_repeats(message) for address in group]
    return next((email for email in emails if _PLAIN.fullmatch(email)), emails[0])


def unseen(message: Draft) -> Absent | Unclear:
    """What it means that a search for that recipient shows nothing of the mail."""
    if _PLAIN.fullmatch(searched(message)):
        return Absent()
    return Unclear("it is not shown, but the search may have read the letters of this address in another way")


def unless_put_off(provider: str, *paths: Path) -> Callable[[Read], Read]:
    """Reads lookups at a provider that can be told to send a mail later, and may show it only then: till then, absence
    proves nothing. `paths`: where provider_options tell it so."""

    def wrapped(read: Read) -> Read:
        def reading(sought: Sought, response: HttpResponse) -> Finding:
            finding = read(sought, response)
            options = sought.message.provider_options.get(provider, {})
            if isinstance(finding, Absent) and any(below(options, path) is not None for path in paths):
                return Unclear("provider_options put it off, and it may not be shown before it is due")
            return finding

        return reading

    return wrapped


def same_text(shown: Any, text: str) -> bool:
    """Whether a provider shows this text, be it with other blanks."""
    return isinstance(shown, str) and shown.split() == text.split()


def untold(response: HttpResponse) -> Unclear:
    """Why an answer to a lookup tells nothing."""
    if response.status in (401, 403):
        return Unclear(f"the key may not read ({response.status}): set lookup_api_key to one that may")
    return nothing_told(response)


def nothing_told(response: HttpResponse) -> Unclear:
    """The same of an API whose keys all may read."""
    return Unclear(f"the lookup's answer ({response.status}) tells nothing")
