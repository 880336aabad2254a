"""What each type of event tells."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from everpost.model.event import EventType


class Fact(Struct, frozen=True):
    """What events of a type tell."""

    meaning: str
    data: Mapping[str, str]  # by name: what it is; an event leaves out what does not apply to it


_ANSWER: Final = {
    "number": "which attempt of the delivery it was",
    "outcome": "what the answer means: accepted, held, rejected, refused, throttled, unavailable or unknown",
    "latency_ms": "from the intent to the answer",
    "status": "the provider's HTTP status or SMTP code",
    "text": "the provider's own words, without addresses",
    "provider_message_id": "how the provider calls the mail",
}
_REASON: Final = {"reason": "why, in words"}
_SKIPPED: Final = {"skipped": "accounts that could not be asked, each with its reason"}
_LOST: Final = {"lost": "what of the mail the provider has no place for, by the names of `allow_loss`"}
_TOLD: Final = {
    "place": "whose it is: the place in to, cc and bcc, counted from 0; left out where the provider names nobody of it",
    "native": "the provider's own name of the event",
    "provider_message_id": "how the provider calls the mail",
    "joined_by": "how the mail was found: by `metadata`, `message_id` or `recipient`; left out where it was not",
    "received_at": "when the provider told it; the event's time is that of what happened",
}
_DIAGNOSIS: Final = {
    "reason": "why, as one of few words for all providers, such as `invalid_recipient` or `greylisted`",
    "smtp_code": "the receiving server's code",
    "enhanced_status": "its enhanced status code (RFC 3463)",
    "text": "its words, without addresses",
}
_MACHINE: Final = {"machine": "`apple_mpp`, `image_proxy`, `scanner` or `unknown`, where it was no person"}
_SCOPE: Final = {"scope": "from what, such as `group:7`; left out: from everything"}
_WHO: Final = {"by": "who did it", "reason": "why, in their words; left out where they gave none"}
_ROUTE: Final = {"route": "name of the route"} | _WHO
_PROMPTNESS: Final = {
    "share": "of the latest mails that were listened for, those that were reported delivered in time",
    "usual_share": "the same by the account's own past",
    "mails": "how many the latest ones are",
    "silent": "of these, mails of which nothing was told",
}
_WEBHOOK: Final = {"webhook": "id of the webhook"}
_BY: Final = {"by": "who did it"}
_MAKER: Final = {"by": "who did it; left out: whoever has the store itself, by `everpost keys`"}
_TEMPLATE: Final = {"template": "id of the template", "version": "the one that it then had"}
_KEY: Final = {"key": "id of the key, its public part", "scope": "what it may do"}

FACTS: Final[Mapping[EventType, Fact]] = {
    EventType.ACCEPTED: Fact(
        "The mail is on disk; its sender has been told so.",
        {
            "recipients": "how many",
            "route": "the route that carries it",
            "send_at": "not before then",
            "tags": "its tags",
            "trace": "the caller's traceparent",
            "resend_of": "the mail that it was made of again",
        }
        | _BY
        | _REASON,
    ),
    EventType.ATTEMPTED: Fact(
        "An account is about to be given the mail: the intent, on disk before the first byte goes out.",
        {"number": "which attempt it is", "why": "why this account", "after": "who was asked before, if another"}
        | {"unsubscribed": "places of those who have unsubscribed and get it all the same, as mail of their account"}
        | _SKIPPED
        | _LOST,
    ),
    EventType.DEFERRED: Fact(
        "It was certainly not taken, or no account could take it now. It stays queued.",
        _ANSWER
        | {"retry_after_s": "how long the provider wants to be left alone", "until_at": "when it is looked at again"}
        | _REASON
        | _SKIPPED,
    ),
    EventType.SENT: Fact("A provider has it. Final.", _ANSWER | _LOST),
    EventType.FAILED: Fact(
        "No provider will take it, or it has expired. Final.",
        _ANSWER | _REASON | {"code": "`expired`, where its time was over"} | _SKIPPED,
    ),
    EventType.HELD: Fact(
        "A provider has parked it, or nobody can tell whether one has it: a person decides, or what it tells later.",
        _ANSWER | _REASON | _LOST,
    ),
    EventType.UNCERTAIN: Fact("A provider may have it: its answer is missing or makes no sense.", _ANSWER),
    EventType.RESOLVED: Fact(
        "What became of an uncertain attempt, or of a held mail, as far as it could be found out.",
        {
            "number": "which attempt",
            "verdict": "`found`, `absent` or `unresolved`; `decided`: by a person",
            "asks": "questions that were asked before",
            "action": "where nobody could tell: `resend` or `hold`; of a person: `sent`, `failed` or `resend`",
        }
        | _BY
        | _REASON,
    ),
    EventType.CANCELLED: Fact("It was cancelled while it was queued. Final.", {"by": "who did it"} | _REASON),
    EventType.RESCHEDULED: Fact(
        "It is to be handed over at another time.", {"send_at": "not before then"} | _BY | _REASON
    ),
    EventType.RESENT: Fact("Another mail was made of it and accepted.", {"as": "id of that mail"} | _BY | _REASON),
    EventType.SUPPRESSED: Fact(
        "Recipients that must not be written to were left out.",
        {"recipients": "how many", "places": "their places in to, cc and bcc, counted from 0"},
    ),
    EventType.UNCONFIRMED: Fact(
        "A provider said that it has the mail, and its records have never shown it. It stays sent: a person decides.",
        {"after_s": "how old the mail was when it was last looked for"},
    ),
    EventType.RECIPIENT_QUEUED: Fact("The provider has taken the mail for this recipient.", _TOLD),
    EventType.RECIPIENT_SENT: Fact("The provider has begun to hand it over.", _TOLD),
    EventType.RECIPIENT_DEFERRED: Fact("Not yet: the provider goes on trying.", _TOLD | _DIAGNOSIS),
    EventType.RECIPIENT_DELIVERED: Fact(
        "The receiving server has taken it.",
        _TOLD | {name: _DIAGNOSIS[name] for name in ("smtp_code", "enhanced_status")},
    ),
    EventType.RECIPIENT_BOUNCED: Fact(
        "The receiving server has refused it for good.",
        _TOLD
        | _DIAGNOSIS
        | {
            "bounce": "`hard`: the address takes no mail and is suppressed; `soft`: this mail was refused",
            "late": "it had been taken first",
        },
    ),
    EventType.RECIPIENT_REJECTED: Fact(
        "The provider has refused it for this recipient, before any server was asked.",
        _TOLD | {name: _DIAGNOSIS[name] for name in ("reason", "smtp_code", "text")},
    ),
    EventType.RECIPIENT_FAILED: Fact("A fault on the provider's side.", _TOLD | _DIAGNOSIS),
    EventType.RECIPIENT_COMPLAINED: Fact("The recipient calls it spam. The address is suppressed.", _TOLD),
    EventType.RECIPIENT_UNSUBSCRIBED: Fact(
        "The recipient wants no more mail. Without a scope the address is suppressed, and for mail of a stream always "
        "for that stream.",
        _TOLD | _SCOPE,
    ),
    EventType.RECIPIENT_RESUBSCRIBED: Fact("The recipient wants mail again.", _TOLD | _SCOPE),
    EventType.RECIPIENT_AUTORESPONDED: Fact("A machine has answered it.", _TOLD),
    EventType.RECIPIENT_OPENED: Fact("It was opened, or its pictures were loaded.", _TOLD | _MACHINE),
    EventType.RECIPIENT_CLICKED: Fact("A link of it was followed.", _TOLD | _MACHINE),
    EventType.RECIPIENT_INBOUND: Fact("Somebody has written to an address that the provider receives mail for.", _TOLD),
    EventType.RECIPIENT_SUPPRESSION_ADDED: Fact(
        "The provider has put an address on its own list.", _TOLD | {"reason": _DIAGNOSIS["reason"]}
    ),
    EventType.RECIPIENT_SUPPRESSION_REMOVED: Fact("The provider has taken an address off its own list.", _TOLD),
    EventType.RECIPIENT_UNKNOWN: Fact("The provider tells something that has no name here.", _TOLD),
    EventType.WEBHOOK_UNREADABLE: Fact(
        "What a provider has sent makes no sense. It is kept as it came.",
        _REASON | {"size_bytes": "how large it was", "received_at": "when it came"},
    ),
    EventType.ACCOUNT_OPENED: Fact("An account takes no mail: its circuit has opened.", _REASON),
    EventType.ACCOUNT_CLOSED: Fact("An account takes mail again.", {}),
    EventType.ACCOUNT_UNCONFIRMED: Fact(
        "Mail that an account has accepted does not show in its provider's records: it gets little mail.",
        {"since_at": "mail that it has accepted since then may be lost"} | _REASON,
    ),
    EventType.ACCOUNT_CONFIRMED: Fact("Mail that an account accepts shows in its provider's records again.", {}),
    EventType.ACCOUNT_DEGRADED: Fact(
        "What an account accepts is delivered late, or nothing is told of it any more: it gets less mail.",
        {
            "since_at": "when the first of these mails was accepted",
            "within_s": "how soon a mail should have been reported delivered",
            "takes": "the share of the mail that it gets",
        }
        | _REASON
        | _PROMPTNESS,
    ),
    EventType.ACCOUNT_RECOVERED: Fact("What an account accepts is delivered as promptly as usual again.", _PROMPTNESS),
    EventType.ACCOUNT_PAUSED: Fact("Somebody has taken it out of a route: it carries no mail of it.", _ROUTE),
    EventType.ACCOUNT_RESUMED: Fact("Somebody has put it back into its place on a route.", _ROUTE),
    EventType.ACCOUNT_PROBED: Fact(
        "Somebody has had its provider asked something that sends nothing.",
        {
            "verdict": "`works`, `refused`, `unreachable`, `unclear` or `unasked`",
            "status": "the HTTP status or SMTP code of the answer",
            "latency_ms": "from the question to the answer",
            "text": "what that means, with the provider's own words",
        }
        | _WHO,
    ),
    EventType.ROUTE_CHANGED: Fact(
        "A route was made or changed.",
        _ROUTE
        | {
            "accounts": "its accounts, in order",
            "weights": "their weights, where there are any",
            "paused": "those that are paused, where some are",
            "allow_loss": "what its mails may lose at a provider; left out: what no reader can see",
        },
    ),
    EventType.DEFAULT_CHANGED: Fact(
        "Another account of a route goes first.",
        _ROUTE | {"accounts": "its accounts, in order", "from": "the account before", "to": "the account now"},
    ),
    EventType.SUPPRESSION_ADDED: Fact(
        "An address must not be written to.",
        {
            "by": "who did it: a key, or the account whose provider has told why",
            "source": "how it is known: `bounce`, `complaint`, `unsubscribe`, `person`, `import` or `account`",
            "stream": "the mail that is meant; left out: all of it",
            "expires_at": "until then; left out: for good",
            "place": "of the recipient in the mail that it was told of",
            "addresses": "how many at once; left out: one",
        }
        | _REASON,
    ),
    EventType.SUPPRESSION_REMOVED: Fact(
        "An address may be written to again.", {"by": "who did it", "stream": "the mail that is meant; left out: all"}
    ),
    EventType.ADDRESS_ERASED: Fact(
        "A recipient was taken out of mails that are kept.",
        {"messages": "of how many mails, in this step", "by": "who did it"},
    ),
    EventType.KEY_CREATED: Fact("An API key was made.", _KEY | _MAKER),
    EventType.KEY_REVOKED: Fact("An API key was revoked.", _KEY | _MAKER),
    EventType.TEMPLATE_CHANGED: Fact("A template was made or changed.", _TEMPLATE | _BY),
    EventType.TEMPLATE_DELETED: Fact("A template was deleted.", _TEMPLATE | _BY),
    EventType.WEBHOOK_CREATED: Fact("A webhook was made.", _WEBHOOK | _BY),
    EventType.WEBHOOK_CHANGED: Fact("A webhook was changed.", _WEBHOOK | _BY | {"fields": "what of it"}),
    EventType.WEBHOOK_ROTATED: Fact(
        "A webhook has a new secret.", _WEBHOOK | _BY | {"old_until_at": "the secrets before sign until then, too"}
    ),
    EventType.WEBHOOK_REPLAYED: Fact(
        "Events are told to a webhook once more.",
        _WEBHOOK | _BY | {"event": "this one", "since_at": "those from then on", "until_at": "those before"},
    ),
    EventType.WEBHOOK_DISABLED: Fact(
        "A webhook gets nothing any more: it is gone, or has failed for days.", _WEBHOOK | _REASON
    ),
    EventType.WEBHOOK_DELETED: Fact("A webhook was deleted.", _WEBHOOK | _BY),
    EventType.WEBHOOK_TEST: Fact("Nothing happened: somebody tries a webhook. Not part of the trail.", _WEBHOOK | _BY),
}
