"""What has to happen at least once in a programme of many seeds. A simulator that never meets a kind of trouble proves
nothing about it."""

from collections.abc import Mapping
from typing import Final

from everpost.model.event import EventType
from sim.behaviour import BEHAVIOURS, REFUSE
from sim.catalogue import SCRIPTS
from sim.extremes import EXTREMES

_TOLD: Final[Mapping[str, str]] = {
    "crash": "a node died",
    "deploy": "a node was stopped gracefully and started again",
    "freeze": "a node stood still",
    "clock jump": "a node's clock jumped",
    "clocks moved": "a lease of a wrong clock had to be waited for",
    "store refuses": "the store did not do what it was asked for",
    "store forgets": "it did, and its caller was told that it had not",
    "sink refuses": "a sink did not take events",
    "sink forgets": "it did, and said that it had not",
    "relayed by two": "a node went on relaying while another one had taken over",
    "deadline before the first byte": "an attempt was given up since its time was over before it began",
    "fenced": "a writer had lost its lease",
    "over_quota": "an intent was not written, since the quota was used up",
    "stored without its attempt after all": "so at acceptance, or since a recipient was suppressed",
    "a page of records": "a provider's records filled several pages",
    "records out of reach": "a provider could not be asked",
    "its records lag behind": "a provider had the mail and did not show it yet",
    "client gave up waiting": "an answer took too long, or its node died",
    "acknowledged": "a mail was accepted",
    "replayed": "a repeated request was answered with the first one's message",
    "repeated": "a request was repeated after its acknowledgement",
    "answered as before": "its answer was the same, byte by byte",
    "key refused": "a key was used for another mail, and refused",
    "refused": "a mail had expired before anybody took it",
    "cancelled": "a mail was cancelled",
    "suppressed": "an address was barred",
    "pried": "another project tried to see a mail",
    "the default account was changed": "by an operator, at run time",
    "nothing is told of a mail": "its provider took it and lost or delayed it",
    "an event is lost": "a provider's webhook never came",
    "an event comes twice": "though it was taken the first time",
    "an event came before the answer": "a provider told of a mail whose sender still waited",
    "an event is posted again": "nobody had taken it",
    "an event ends a doubt": "what a provider told proved that it had an uncertain mail",
    "suppressed by an event": "an address was barred since its mail had bounced",
    "resolved: found": "a provider had an uncertain mail",
    "resolved: absent": "it was proved not to have it",
    "resolved: unresolved": "nobody could tell in time",
    "given up: resend": "then it was sent again, as the policy says",
    "given up: hold": "or held",
    "expired": "a mail was not sent, since its time was over",
}

_EVENTS: Final = (
    EventType.ACCEPTED,
    EventType.ATTEMPTED,
    EventType.DEFERRED,
    EventType.SENT,
    EventType.FAILED,
    EventType.HELD,
    EventType.UNCERTAIN,
    EventType.RESOLVED,
    EventType.CANCELLED,
    EventType.SUPPRESSED,
    EventType.ACCOUNT_OPENED,
    EventType.ACCOUNT_CLOSED,
    EventType.RECIPIENT_QUEUED,
    EventType.RECIPIENT_DEFERRED,
    EventType.RECIPIENT_DELIVERED,
    EventType.RECIPIENT_BOUNCED,
)

SOMETIMES: Final[Mapping[str, str]] = {
    **_TOLD,
    **{str(type_): "an event of the trail" for type_ in _EVENTS},
    **dict.fromkeys((*BEHAVIOURS, REFUSE), "what a provider did"),
    **dict.fromkeys(EXTREMES, "an extreme bound"),
    **dict.fromkeys(SCRIPTS, "a script of the catalogue"),
}
"""By name: what it means."""


def name_of(what: str) -> str:
    """Of something that was seen, whichever provider it was seen at."""
    provider, _, name = what.partition(" ")
    return name if name and provider[0] == "p" and provider[1:].isdigit() else what
