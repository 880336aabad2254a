"""What every provider's `build` needs: header fields that can't be misread, and an envelope without repetitions."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import FILENAME_CHARS_MAX
from everpost.model.message import Address, Attachment, Draft

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_EMAIL: Final = re.compile(r'[^\s<>()\[\],;:\\"@]+@[^\s<>()\[\],;:\\"@]+')  # what needs no quoting anywhere
_HEADER_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 3.6.8: printable ASCII but the colon
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"  # RFC 2045 5.1
_CONTENT_TYPE: Final = re.compile(rf"{_ATOM}/{_ATOM}( *;[ -~]*)?")
_CONTENT_ID: Final = re.compile(r"[!-;=?-~]+")  # printable ASCII but the angle brackets
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_OWN_HEADERS: Final = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "mime-version", "x-everpost-id"}
    | {"return-path", "received", "dkim-signature"}
    | {"x-smtpapi", "x-msys-api", "x-mc-bccaddress"}  # orders to a provider, which may name further recipients
)


def fault_of(draft: Draft, reserved: Collection[str] = (), *, takes_raw: bool = False) -> str | None:
    """Why the provider can't be given this mail as it stands, or None.

    Line breaks in a header field would let a caller write fields of his own, so none gets through, whatever the
    provider does with them. Header fields that Everpost or the provider writes may not be given a second time;
    `reserved` names those that only this provider writes, in lower case.
    """
    if draft.is_raw and not takes_raw:
        return "it takes no mail as it stands (raw MIME)"
    return next(_faults(draft, reserved), None)


def needs_to(draft: Draft) -> str | None:
    """Of APIs that take no mail to cc and bcc alone."""
    return None if draft.is_addressed else "it needs a recipient in `to`"


def _faults(draft: Draft, reserved: Collection[str]) -> Iterator[str]:
    addresses = (draft.sender, *draft.to, *draft.cc, *draft.bcc, *draft.reply_to)
    if not _is_clean(draft, addresses):
        what = next((what for what, text in _field_texts(draft, addresses) if _CONTROL.search(text)), None)
        if what is not None:
            yield f"{what} has a control character, such as a line break"
    for address in addresses:
        if not _EMAIL.fullmatch(address.email):
            yield "an address is not of the form local@domain"
    for name, value in draft.headers.items():
        yield from _header_faults(name.lower(), value, reserved)
    for attachment in draft.attachments:
        yield from _attachment_faults(attachment)
    if CORRELATION_KEY in draft.metadata:
        yield f"the metadata key {CORRELATION_KEY} is reserved"


def _header_faults(name: str, value: str, reserved: Collection[str]) -> Iterator[str]:
    if not _HEADER_NAME.fullmatch(name):
        yield "the name of a header must be printable ASCII without blanks and colons"
    elif name in _OWN_HEADERS or name in reserved or name.startswith("content-"):
        yield f"the header {name} can't be set: it is written for you"
    elif name == "message-id" and not _MESSAGE_ID.fullmatch(value):
        yield "the header Message-ID is not of the form <left@right>"


def _attachment_faults(attachment: Attachment) -> Iterator[str]:
    if not _CONTENT_TYPE.fullmatch(attachment.content_type):
        yield "the content type of an attachment is not of the form type/subtype"
    if max(len(attachment.content_type), len(attachment.content_id or "")) > FILENAME_CHARS_MAX:
        yield f"the content type or content id of an attachment is longer than {FILENAME_CHARS_MAX} characters"
    if attachment.content_id is not None and not _CONTENT_ID.fullmatch(attachment.content_id):
        yield "the content id of an attachment must be printable ASCII without blanks and angle brackets"


def _is_clean(draft: Draft, addresses: Sequence[Address]) -> bool:
    """Whether there is surely no control character in any field: they are all of printable ASCII, as most mails'."""
    texts = [draft.subject, *draft.tags, *draft.metadata]
    for address in addresses:
        texts += (address.email, address.name)
    if draft.headers or draft.attachments:
        texts += (text for _, text in _field_texts(draft, ()))
    whole = "".join(texts)
    return whole.isascii() and whole.isprintable()


def _field_texts(draft: Draft, addresses: Sequence[Address]) -> Iterator[tuple[str, str]]:
    yield "the subject", draft.subject
    for address in addresses:
        yield "an address", address.email
        yield "the name in an address", address.name
    for name, value in draft.headers.items():
        yield "the name of a header", name
        yield f"the header {name}", value
    for attachment in draft.attachments:
        yield "the file name of an attachment", attachment.filename
    for tag in draft.tags:
        yield "a tag", tag
    for key in draft.metadata:
        yield "a metadata key", key


def breaks_a_line(value: Any) -> bool:
    """Whether a text anywhere within a JSON value has a control character, such as a line break."""
    match value:
        case str():
            return _CONTROL.search(value) is not None
        case dict():
            return any(breaks_a_line(each) for each in (*value, *value.values()))
        case list():
            return any(breaks_a_line(each) for each in value)
    return False


def without_repeats(draft: Draft) -> tuple[tuple[Address, ...], tuple[Address, ...], tuple[Address, ...]]:
    """To, cc and bcc with each address kept where it is mentioned first: SendGrid refuses a mail that names one
    twice (in any case of letters), and elsewhere it would be delivered twice."""
    seen: set[str] = set()
    return (_first(draft.to, seen), _first(draft.cc, seen), _first(draft.bcc, seen))


def _first(addresses: Iterable[Address], seen: set[str]) -> tuple[Address, ...]:
    kept = []
    for address in addresses:
        if (email := address.email.lower()) not in seen:
            seen.add(email)
            kept.append(address)
    return tuple(kept)


def header_of(draft: Draft, name: str) -> str | None:
    """A header that the caller has set, by its name in lower case."""
    return next((value for key, value in draft.headers.items() if key.lower() == name), None)


def message_id_of(draft: Draft, delivery_id: str) -> str:
    """The Message-ID: the caller's own, or one that spells out the delivery."""
    return header_of(draft, "message-id") or f"<{delivery_id}@{draft.sender.email.rpartition('@')[2]}>"


def mailbox_line(addresses: Iterable[Address]) -> str:
    """`"Name" <a@b>, c@d`, each of them once."""
    return ", ".join(map(quoted_mailbox, dict.fromkeys(addresses)))


def quoted_mailbox(address: Address) -> str:
    """`"Name" <a@b>`, in any script."""
    name = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address.email}>' if name else address.email
