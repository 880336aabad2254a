"""Notifications of Amazon SNS, and of services that speak as it does: the envelope and its proof.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

A signature proves that the service has sent it, and not that the topic is ours: anybody may have his own topic told to
our address. So topics are named in the account's settings, and nothing is fetched for any other. Certificates and
confirmations are fetched from the service's own host alone, or from below the account's `base_url`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from everpost.model.account import Account
from everpost.providers import sightings
from everpost.providers.hooks import TOPICS, Forged, Genuine, HookRequest, Lacks, out_of_time
from everpost.providers.reading import at, decoded
from everpost.providers.signing import Signer, is_rsa

WINDOW_S: Final = 2 * 3600.0  # it is sent again for an hour at most
NOTIFICATION: Final = "Notification"
SUBSCRIBED, UNSUBSCRIBED = "SubscriptionConfirmation", "UnsubscribeConfirmation"
_CONFIRMED: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIBED: _CONFIRMED,
    UNSUBSCRIBED: _CONFIRMED,
}
VERSIONS: Final = ("1", "2")  # SHA-1 and SHA-256
_TOPIC: Final = re.compile(r"arn:[a-z0-9-]+:sns:([a-z0-9-]{3,40}):")
_CALL: Final = "ConfirmSubscription"


class Service(Struct, frozen=True, kw_only=True):
    """By its region, which is the fourth part of a topic's name."""

    certificates: Callable[[str], str]  # a regular expression: all of a certificate's address
    confirmations: Callable[[str], str]  # the same of the host that is told that its events are wanted
    issuers: Callable[[str], str] | None = None  # an address: of what issues its certificates; None: any public one


def verify(service: Service, request: HookRequest, account: Account, topics: Sequence[str]) -> Genuine | Forged | Lacks:
    if request.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        return Forged("it is not signed: switch raw message delivery off for this subscription")
    told = decoded(request.body)
    kind, topic = sightings.text(at(told, "Type")), sightings.text(at(told, "TopicArn"))
    version, signature = at(told, "SignatureVersion"), sightings.text(at(told, "Signature"))
    if kind not in SIGNED or version not in VERSIONS or not signature:
        return Forged("it is not signed: is it a notification of SNS?")
    if request.headers.get("x-amz-sns-message-type", kind) != kind:
        return Forged("its header names another type than the one that is signed")
    if topic not in topics:
        return Forged(f"its topic is not among {TOPICS} of the account")
    stamp = sightings.iso_instant(at(told, "Timestamp"))
    late = Forged("it has no time") if stamp is None else out_of_time(stamp, request.received_at, WINDOW_S)
    proof = late or _proof(service, request, account, told)
    if not isinstance(proof, Signer):
        return proof
    return _checked(service, request, account, told, proof)


def _proof(service: Service, request: HookRequest, account: Account, told: Any) -> Signer | Forged | Lacks:
    """What its signature is checked by."""
    region, url = _region(told), at(told, "SigningCertURL")
    if not isinstance(url, str) or not _is_own(account, url, service.certificates(region)):
        return Forged("its certificate lies at an address that is not one of the service's own")
    needed = [url] if service.issuers is None or _is_below(account, url) else [url, service.issuers(region)]
    lacking = next((each for each in needed if each not in request.documents), None)
    if lacking is not None:
        return Lacks(lacking)
    certificate, *issuers = (request.documents[each] for each in needed)
    return Signer(certificate=certificate, issuers=issuers[0] if issuers else None)


def _checked(service: Service, request: HookRequest, account: Account, told: Any, signer: Signer) -> Genuine | Forged:
    try:
        is_signed = is_rsa(
            signer, request.received_at, canonical(told), told["Signature"], sha1=told["SignatureVersion"] == "1"
        )
    except ImportError:
        return Forged("nothing here can check its signature: install everpost[webhooks]")
    except ValueError as error:
        return Forged(f"what it is signed by is {error}")
    if not is_signed:
        return Forged("its signature is wrong")
    if told["Type"] == UNSUBSCRIBED:
        return Genuine(notice=f"the subscription to {told['TopicArn']} has ended: its events do not come any more")
    if told["Type"] == NOTIFICATION:
        return Genuine()
    url = sightings.text(at(told, "SubscribeURL"))
    if not _is_own(account, url, service.confirmations(_region(told)) + r"/\?[!-~]+") or not _confirms(url, told):
        return Forged("it is to be confirmed at an address that is not one of the service's own")
    return Genuine(confirm=url, notice=f"the subscription to {told['TopicArn']} is confirmed")


def canonical(told: Mapping[str, Any]) -> bytes:
    """What is signed: names and values in order, each on a line of its own; what is not there is left out."""
    named = ((name, told.get(name)) for name in SIGNED[told["Type"]])
    lines = "".join(f"{name}\n{value}\n" for name, value in named if isinstance(value, str))
    return lines.encode(errors="surrogatepass")


def unwrapped(body: bytes) -> bytes | None:
    """What an envelope brings; the body itself, where it is none; None: nothing but a confirmation."""
    told = decoded(body)
    kind, message = sightings.text(at(told, "Type")), at(told, "Message")
    if kind in (SUBSCRIBED, UNSUBSCRIBED):
        return None
    return message.encode(errors="surrogatepass") if kind == NOTIFICATION and isinstance(message, str) else body


def _region(told: Any) -> str:
    found = _TOPIC.match(sightings.text(at(told, "TopicArn")))
    return found[1] if found else ""


def _is_own(account: Account, url: str, pattern: str) -> bool:
    return re.fullmatch(pattern, url) is not None or _is_below(account, url)


def _is_below(account: Account, url: str) -> bool:
    """Whether it lies at the other address that the account has for the service, such as that of a sandbox."""
    base = account.settings.get("base_url")
    return bool(base) and url.startswith(f"{str(base).rstrip('/')}/")


def _confirms(url: str, told: Mapping[str, Any]) -> bool:
    asked = dict(parse_qsl(urlsplit(url).query))
    return asked.get("Action") == _CALL and asked.get("TopicArn") == told["TopicArn"] and bool(asked.get("Token"))
