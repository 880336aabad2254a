"""The operations on mail: the native ones and the original three."""

from typing import Final

from everpost.dialects import legacy, raw
from everpost.dialects.native import views
from everpost.dialects.native.schema import EmailRequest
from everpost.entrypoints.http import emails, files, following, original, raw_mail, trail
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.query import Parameter
from everpost.model import limits
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.key import Scope

_TEXT: Final = {"type": "string"}
_TYPES: Final = [type_.value for type_ in EventType]
_TIME: Final = {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}]}
_KEY_MAX: Final = limits.IDEMPOTENCY_KEY_CHARS_MAX
_KEY: Final = rf'^([!#-~][!-~]{{0,{_KEY_MAX - 1}}}|"([!#-\[\]-~]|\\["\\]){{1,{_KEY_MAX}}}")$'  # bare, or in quotes
IDEMPOTENCY: Final = Parameter(
    "Idempotency-Key",
    "The same key with the same body is the same mail, and is answered as the first time. Kept 7 days by default.",
    {"type": "string", "pattern": _KEY},
)
_SEQUENCE: Final = {"type": "string", "pattern": "^0*[0-9]{1,18}$"}
TRACE: Final = Parameter("traceparent", "W3C trace context; carried through to events and logs.", _TEXT)
_PREFER: Final = Parameter(
    "Prefer", f"`wait=N`: wait up to N seconds (at most {limits.WAIT_S_MAX}) for the hand-over.", _TEXT
)
REPLAYED: Final = {"Idempotency-Replayed": "`true`: the answer to a key that was used before."}
_WAITED: Final = {"Preference-Applied": "The seconds that were waited at most."}
_KEY_PROBLEMS: Final = ("bad_header", "idempotency_mismatch", "idempotency_running", "idempotency_expired")
ACCEPT_PROBLEMS: Final = (
    *("no_account_can_carry", "overloaded"),
    *_KEY_PROBLEMS,
)


def limit(maximum: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "maximum": maximum, "default": limits.PAGE_DEFAULT}
    return Parameter("limit", "Entries on a page.", schema)


def _outcome(status: int, description: str) -> Answer:
    """What the original operation answers when its caller has waited for the hand-over."""
    return Answer(status=status, description=description, schema=legacy.SendEmailAnswer, optional_headers=REPLAYED)


def _verdicts(status: int) -> str:
    """The codes of mail that is not sent, in the form in which those of problems are told."""
    words: dict[str, str] = {}
    for verdict in legacy.VERDICTS.values():
        if verdict.http_status == status:
            words.setdefault(verdict.code, verdict.message)
    return "; ".join(f"`{code}`: {message}" for code, message in words.items()) + "."


_CREATED: Final = (
    Answer(
        status=202,
        description="Accepted and durable. Everpost will hand it over.",
        schema=views.AcceptedView,
        headers={"Location": "Where to ask how it stands."},
        optional_headers=_WAITED | REPLAYED,
        links={"getEmail": "How it stands.", "cancelEmail": "As long as it is queued."},
    ),
    Answer(
        status=200,
        description="With `Prefer: wait=N`: the final state, reached in time.",
        schema=views.EmailView,
        headers=_WAITED,
        optional_headers=REPLAYED,
    ),
)

MAIL: Final = (
    Operation(
        id="createEmail",
        method="POST",
        path="/v1/emails",
        tag="Mail",
        summary="Send a mail",
        description="Answered after the mail is on disk; it is handed over by whichever provider is up.",
        handle=emails.send_email,
        scope=Scope.SEND,
        takes_mail=True,
        headers=(IDEMPOTENCY, _PREFER, TRACE),
        body=EmailRequest,
        example={
            "from": "Ann <ann@example.com>",
            "to": ["bob@example.org"],
            "subject": "Hello",
            "text": "It works",
        },
        answers=_CREATED,
        problems=ACCEPT_PROBLEMS,
    ),
    Operation(
        id="createRawEmail",
        method="POST",
        path="/v1/emails/raw",
        tag="Mail",
        summary="Send a whole mail as it stands",
        description=(
            "The body is the mail (RFC 5322), and goes out byte for byte: signatures stay good. Only accounts that "
            "take it so are asked; it is never taken apart. Above it stands one line of ours, `X-Everpost-Id`; Bcc "
            "fields are taken out; where all lines end by LF, they end by CRLF. It needs From and Date."
        ),
        handle=raw_mail.send_raw,
        scope=Scope.SEND,
        takes_mail=True,
        query=raw_mail.QUERY,
        headers=(*raw_mail.HEADERS, IDEMPOTENCY, _PREFER, TRACE),
        body=bytes,
        media_type=raw.MEDIA_TYPE,
        answers=_CREATED,
        problems=("bad_parameter", "unsupported_media_type", *ACCEPT_PROBLEMS),
    ),
    Operation(
        id="listEmails",
        method="GET",
        path="/v1/emails",
        tag="Mail",
        summary="List mails, newest first",
        handle=emails.list_emails,
        scope=Scope.READ,
        query=(
            Parameter(
                "state", "Of its delivery.", {"type": "string", "enum": [state.value for state in DeliveryState]}
            ),
            Parameter("recipient", "An address, in any case of letters.", _TEXT),
            Parameter("tag", "One of its tags.", _TEXT),
            Parameter("account", "The account of the current or last attempt.", _TEXT),
            Parameter("created_from", "Accepted then or later.", _TIME),
            Parameter("created_before", "Accepted earlier.", _TIME),
            limit(limits.PAGE_MAX),
            Parameter("cursor", "`next_cursor` of the page before, or an event's `sequence`.", _TEXT),
        ),
        answers=(Answer(status=200, description="A page.", schema=views.EmailPage),),
        problems=("bad_parameter",),
    ),
    Operation(
        id="getEmail",
        method="GET",
        path="/v1/emails/{id}",
        tag="Mail",
        summary="How a mail stands, with every attempt",
        handle=emails.get_email,
        scope=Scope.READ,
        answers=(Answer(status=200, description="The mail.", schema=views.EmailView),),
        problems=("not_found",),
    ),
    Operation(
        id="listEvents",
        method="GET",
        path="/v1/events",
        tag="Mail",
        summary="The audit trail, oldest first",
        description=(
            "Keys of scope admin see all projects, accounts and routes; others see their own project. With "
            "`Accept: text/event-stream` the events come as they happen, as server-sent events: `id` is the sequence, "
            "`data` the event. Without `after` and Last-Event-ID the stream begins with the next event. "
            "With `Accept: text/csv` or `application/jsonl` the page is a piece of a file, of which only the first one "
            "has titles; what a spreadsheet would take for a formula begins with an apostrophe there. "
            "A page that is narrowed may be short, or empty: what lies before `next_cursor` was looked through. When "
            "that stays the same, there is no more."
        ),
        handle=trail.list_events,
        scope=Scope.READ,
        query=(
            Parameter("after", "`next_cursor` of the page before, or an event's `sequence`.", _TEXT),
            limit(limits.EVENTS_PAGE_MAX),
            Parameter("message", "Only events of this mail.", _TEXT),
            Parameter(
                "type", "Only events of this type.", {"type": "string", "enum": [type_.value for type_ in EventType]}
            ),
            Parameter("account", "Only events about this account.", _TEXT),
            Parameter("since", "Only events from then on.", _TIME),
            Parameter("until", "Only events before.", _TIME),
        ),
        headers=(Parameter("Last-Event-ID", "Of a stream: the event after which it goes on.", _SEQUENCE),),
        answers=(
            Answer(
                status=200,
                description="A page, a piece of a file, or a stream.",
                schema=views.EventPage,
                optional_headers=files.NEXT,
            ),
            Answer(status=200, description="A piece.", content_type=files.CSV),
            Answer(status=200, description="A piece.", content_type=files.LINES),
            Answer(status=200, description="A stream.", content_type=following.EVENT_STREAM),
        ),
        problems=("bad_parameter", "bad_header", "no_streams", "too_many_streams"),
    ),
)

ORIGINAL: Final = (
    Operation(
        id="sendEmail",
        method="POST",
        path="/sendEmail",
        tag="The original three operations",
        summary="Send a mail and wait until a provider has taken it",
        description=(
            "The body is JSON under any content type. Answers 502 when no provider will take the mail, and 503 with "
            f"`code` `queued` when none has within {original.WAIT_S:.0f} s: then it will be retried, so don't send it "
            "again."
        ),
        handle=original.send_email,
        scope=Scope.SEND,
        takes_mail=True,
        headers=(IDEMPOTENCY, TRACE),
        body=legacy.SendEmail,
        example={"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"},
        answers=(
            _outcome(200, "A provider has taken it."),
            *(_outcome(status, _verdicts(status)) for status in (502, 503)),
        ),
        problems=ACCEPT_PROBLEMS,
        legacy=True,
    ),
    Operation(
        id="getEmailProvider",
        method="GET",
        path="/getEmailProvider",
        tag="The original three operations",
        summary="The account that goes first",
        handle=original.get_provider,
        scope=Scope.READ,
        answers=(Answer(status=200, description="Its name.", schema=legacy.ProviderAnswer),),
        legacy=True,
    ),
    Operation(
        id="setEmailProvider",
        method="POST",
        path="/setEmailProvider",
        tag="The original three operations",
        summary="Let another account go first",
        description="Holds at once, for all processes, and is recorded as an event.",
        handle=original.set_provider,
        scope=Scope.ADMIN,
        body=legacy.SetProvider,
        example={"provider": "backup"},
        answers=(Answer(status=200, description="It goes first now.", schema=legacy.ProviderAnswer),),
        problems=("unknown_provider", "version_conflict"),
        legacy=True,
    ),
)
