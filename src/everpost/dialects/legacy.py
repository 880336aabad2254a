"""The original API of three operations: sendEmail, getEmailProvider, setEmailProvider.

A body is JSON whatever its content type says: existing callers send it as application/x-www-form-urlencoded.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NotRequired, TypedDict

import msgspec
from msgspec import Meta, Struct, field

from everpost.dialects.addresses import parse_address, parse_address_list
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_content, check_count, check_direction, check_filled
from everpost.dialects.native.render import state_of
from everpost.dialects.native.schema import REQUIRED
from everpost.model import limits
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.message import Address, Draft, Message
from everpost.model.problem import Problem

Listed = str | list[str] | None


class SendEmail(Struct, forbid_unknown_fields=True, kw_only=True):
    """A mail. `to`, `cc` and `bcc` are comma-separated (`Ann <ann@example.com>, bob@example.org`) or a list."""

    from_: Annotated[str | None, Meta(extra_json_schema=REQUIRED)] = field(name="from", default=None)
    to: Annotated[Listed, Meta(extra_json_schema=REQUIRED)] = None
    cc: Listed = None
    bcc: Listed = None
    subject: Annotated[str | None, Meta(extra_json_schema=REQUIRED)] = None
    text: Annotated[str | None, Meta(description="Text, html or both are required.")] = None
    html: str | None = None


class SetProvider(Struct, forbid_unknown_fields=True):
    """The account that goes first from now on."""

    provider: str


class SendEmailAnswer(TypedDict):
    """What became of the mail by now."""

    status: Annotated[str, Meta(description="success or error")]
    code: NotRequired[Annotated[str, Meta(description="With an error: stable, to branch on.")]]
    message: Annotated[str, Meta(description="In words, and whether to send again.")]
    id: str
    state: str
    provider: Annotated[str | None, Meta(description="The account that took it, or was asked last.")]
    provider_message_id: str | None


class LegacyError(TypedDict):
    """What went wrong; nothing was accepted."""

    status: Annotated[str, Meta(description="error")]
    code: str
    message: str
    errors: list[dict[str, str]]


class ProviderAnswer(TypedDict):
    status: str
    provider: Annotated[str, Meta(description="The account that goes first.")]


class Verdict(Struct, frozen=True):
    """How a state is told to a caller who has been waiting for the hand-over."""

    http_status: int
    code: str
    message: str


VERDICTS: Final[Mapping[DeliveryState, Verdict]] = {
    DeliveryState.SENT: Verdict(200, "", "a provider has taken the mail"),
    DeliveryState.FAILED: Verdict(502, "not_sent", "no provider will take the mail, it is not sent"),
    DeliveryState.CANCELLED: Verdict(502, "cancelled", "the mail was cancelled, it is not sent"),
    DeliveryState.HELD: Verdict(502, "held", "the mail is held until a person decides; do not send it again"),
    DeliveryState.QUEUED: Verdict(
        503, "queued", "no provider has taken the mail yet; it is queued and will be retried, do not send it again"
    ),
    DeliveryState.SENDING: Verdict(
        503, "queued", "the mail is being handed over; it is queued until that is done, do not send it again"
    ),
    DeliveryState.UNCERTAIN: Verdict(
        503, "queued", "a provider may have the mail; it stays queued until that is known, do not send it again"
    ),
}

# More than the longest list of recipients can have: whoever gives more need not be read.
_PIECES_MAX: Final = 4 * limits.RECIPIENTS_MAX  # a name may hold commas, too
_LIST_CHARS_MAX: Final = limits.RECIPIENTS_MAX * (2 * limits.NAME_CHARS_MAX + limits.ADDRESS_CHARS_MAX + 8)

_SEND: Final = msgspec.json.Decoder(SendEmail)
_SET: Final = msgspec.json.Decoder(SetProvider)
_NOBODY: Final = Address("")


def parse(body: bytes) -> Draft | Problem:
    """The mail that a body of sendEmail asks for. Never raises; every faulty field is a 400, as it was."""
    faults = Faults()
    request = decode(body, _SEND, faults)
    if isinstance(request, Problem):
        return request
    draft = Draft(
        sender=_sender(request, faults),
        to=_addresses(request.to, "to", faults),
        cc=_addresses(request.cc, "cc", faults),
        bcc=_addresses(request.bcc, "bcc", faults),
        subject=request.subject or "",
        text=request.text or None,
        html=request.html or None,
    )
    _check(draft, faults)
    return _bad_request(faults) if faults else draft


def parse_provider(body: bytes) -> str | Problem:
    """The account that a body of setEmailProvider names."""
    faults = Faults()
    request = decode(body, _SET, faults)
    if isinstance(request, Problem):
        return request
    check_filled(request.provider, limits.NAME_CHARS_MAX, "provider", faults)
    return _bad_request(faults) if faults else request.provider


def render(message: Message, deliveries: Sequence[Delivery]) -> tuple[int, SendEmailAnswer]:
    """The status and the body for a mail as it stands when the caller has waited long enough."""
    state = state_of(deliveries)
    verdict = VERDICTS[state]
    decisive = next(delivery for delivery in deliveries if delivery.state is state)
    words = f"{verdict.message} ({decisive.reason})" if decisive.reason else verdict.message
    answer = SendEmailAnswer(
        status="error" if verdict.code else "success",
        message=words,
        id=message.id,
        state=state.value,
        provider=decisive.account,
        provider_message_id=decisive.provider_message_id,
    )
    if verdict.code:
        answer["code"] = verdict.code
    return verdict.http_status, answer


def render_problem(problem: Problem) -> LegacyError:
    words = f"{problem.title}: {problem.detail}" if problem.detail else problem.title
    named = [f"{error.field}: {error.message}" for error in problem.errors]
    return LegacyError(
        status="error",
        code=problem.code,
        message="; ".join(named) or words,
        errors=[{"field": error.field, "message": error.message} for error in problem.errors],
    )


def render_provider(account: str) -> ProviderAnswer:
    return ProviderAnswer(status="success", provider=account)


def _bad_request(faults: Faults) -> Problem:
    return msgspec.structs.replace(faults.problem(), status=400)


def _check(draft: Draft, faults: Faults) -> None:
    if not draft.to:
        faults.add("to", "is missing: give at least one address")
    what = "recipients (to, cc and bcc together)"
    check_count(len(draft.recipients), limits.RECIPIENTS_MAX, "to", what, faults)
    if not draft.subject:
        faults.add("subject", "is missing")
    check_filled(draft.subject, limits.SUBJECT_CHARS_MAX, "subject", faults)
    if draft.text is None and draft.html is None:
        faults.add("text", "is missing")
    check_content(draft, faults)


def _sender(request: SendEmail, faults: Faults) -> Address:
    found = parse_address(request.from_) if request.from_ else "is missing: give one address"
    if isinstance(found, Address):
        check_direction(found.name, "from", faults)
        return found
    faults.add("from", found)
    return _NOBODY


def _addresses(given: Listed, path: str, faults: Faults) -> tuple[Address, ...]:
    if given is None:
        return ()
    texts = [given] if isinstance(given, str) else given
    if len(texts) + sum(text.count(",") for text in texts) > _PIECES_MAX or sum(map(len, texts)) > _LIST_CHARS_MAX:
        faults.add(path, f"is too long: at most {limits.RECIPIENTS_MAX} recipients are allowed")
        return ()
    read = [found for text in texts for found in parse_address_list(text)]
    for position, found in enumerate(read):
        place = path if len(read) == 1 else f"{path}[{position}]"
        if isinstance(found, str):
            faults.add(place, found)
        else:
            check_direction(found.name, place, faults)
    return tuple(found if isinstance(found, Address) else _NOBODY for found in read)
