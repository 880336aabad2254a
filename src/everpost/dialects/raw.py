"""A whole mail (RFC 5322) that is to go out as it stands: read for its envelope, and for what could not arrive.

Three things are changed of it, and nothing else: where all its lines end by LF alone, they end by CRLF, as on any wire;
its last line is ended; its Bcc fields are taken out. Whatever servers read in different ways is refused: one of them
could see another mail, or other recipients, than the one who has checked it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.dialects.addresses import address_of, parse_encoded_list
from everpost.dialects.faults import Faults, quoted
from everpost.dialects.fields import FORBIDDEN, ORDERS
from everpost.dialects.mime import decoded_words
from everpost.model import limits
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem

MEDIA_TYPE: Final = "message/rfc822"
FILENAME: Final = "message.eml"

_ONCE: Final = frozenset(
    {"from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject", "date"}
    | {"mime-version", "content-type", "content-transfer-encoding"}
)
"""What may stand in a mail once (RFC 5322 3.6, RFC 2045): of two, one reader takes the first and another the last."""
_TAKEN_OUT: Final = frozenset({"bcc", "resent-bcc"})
_OURS: Final = "x-everpost-id"
_ORDER_PREFIXES: Final = ("x-mc-", "x-ses-", "x-mailgun-", "x-pm-", "x-mj-")
"""Of fields that one provider obeys: they may name recipients, and hide what is sent from those who watch it."""

_FIELD: Final = re.compile(rb"[!-9;-~]+:[\t -~]*")
_FOLD: Final = re.compile(rb"[ \t]+[!-~][\t -~]*")
_LONG_LINE: Final = re.compile(rb"[^\n]{%d}" % (limits.RAW_LINE_BYTES_MAX + 2))  # with its CR
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_NUL: Final = re.compile(rb"\0")
_GROUP: Final = re.compile(r'[^:<>"@]*:(.*);\s*', re.DOTALL)
_NOBODY: Final = Address("")


class _Field(Struct, frozen=True):
    name: str  # in lower case
    value: str  # unfolded, with blanks for tabs
    whole: bytes  # with the line breaks


def parse(data: bytes, envelope: Sequence[str] = ()) -> Draft | Problem:
    """The mail. `envelope`: whom it is for, wherever they stand in it; without one, who stands in To, Cc and Bcc."""
    faults = Faults()
    whole = _in_lines(data, faults)
    end = whole.find(b"\r\n\r\n")
    fields = [] if faults else [*_fields(whole if end < 0 else whole[:end], faults)]
    _check_fields(fields, faults)
    if faults:
        return faults.problem()
    to, cc, bcc = _recipients(fields, envelope, faults)
    sender = _sender(fields, faults)
    content = _without_hidden(whole, end, fields)
    if len(content) > limits.CONTENT_BYTES_MAX:
        faults.add("body", f"the mail has {len(content)} bytes, at most {limits.CONTENT_BYTES_MAX} are allowed")
    draft = Draft(
        sender=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        subject=_subject(fields),
        attachments=(Attachment(filename=FILENAME, content_type=MEDIA_TYPE, content=content),),
        is_raw=True,
    )
    return faults.problem() if faults else draft


def _without_hidden(whole: bytes, end: int, fields: Sequence[_Field]) -> bytes:
    """Less the fields that are taken out; of a large mail without such, no copy is made."""
    kept = [field.whole for field in fields if field.name not in _TAKEN_OUT]
    return whole if len(kept) == len(fields) else b"".join([*kept, b"" if end < 0 else whole[end + 2 :]])


def outline(draft: Draft) -> Draft:
    """A raw mail to the same people, to be asked about."""
    file = Attachment(filename=FILENAME, content_type=MEDIA_TYPE, content=b"")
    return replace(draft, is_raw=True, attachments=(file,), text=None, html=None, headers={}, reply_to=())


# --- lines -----------------------------------------------------------------------------------------------------------


def _in_lines(data: bytes, faults: Faults) -> bytes:
    """The mail with each line ended by CRLF, if it was sound."""
    whole = data if b"\r" in data else data.replace(b"\n", b"\r\n")
    if not whole.endswith(b"\r\n"):
        whole += b"\r\n"
    if not whole.count(b"\r\n") == whole.count(b"\r") == whole.count(b"\n"):
        words = "has a CR or LF that stands alone, which only some servers take for its end: end all lines by CRLF"
        _complain(whole, _BARE.search(whole), words, faults)
    elif b"\0" in whole:
        _complain(whole, _NUL.search(whole), "has a NUL, which no mail can carry: encode the content", faults)
    elif found := _LONG_LINE.search(whole, _before_a_long_line(whole)):
        words = f"is longer than the {limits.RAW_LINE_BYTES_MAX} bytes that mail can have: fold or encode it"
        _complain(whole, found, words, faults)
    return whole


def _before_a_long_line(whole: bytes) -> int:
    """Where to look for one: to try every place would take seconds over a large mail."""
    at, longest = 0, limits.RAW_LINE_BYTES_MAX + 2
    while (end := whole.rfind(b"\n", at, at + longest)) >= 0:
        at = end + 1
    return at


def _complain(whole: bytes, found: re.Match[bytes] | None, words: str, faults: Faults) -> None:
    number = 1 + whole.count(b"\n", 0, found.start() if found else 0)
    faults.add("body", f"line {number} {words}")


# --- header fields ---------------------------------------------------------------------------------------------------


def _fields(head: bytes, faults: Faults) -> Iterator[_Field]:
    if len(head) > limits.RAW_HEAD_BYTES_MAX:
        faults.add("body", f"the header has {len(head)} bytes, at most {limits.RAW_HEAD_BYTES_MAX} are allowed")
        return
    pieces: list[bytes] = []
    for number, line in enumerate(head.removesuffix(b"\r\n").split(b"\r\n"), 1):
        is_fold = bool(pieces) and line.startswith((b" ", b"\t"))
        if not (_FOLD if is_fold else _FIELD).fullmatch(line):
            shown = quoted(line.decode("ascii", "replace"))
            faults.add("body", f"line {number} is no header field in ASCII, such as `Subject: Hello`: {shown}")
            return
        if pieces and not is_fold:
            yield _field(pieces)
            pieces = []
        pieces.append(line)
    if pieces:
        yield _field(pieces)


def _field(lines: Sequence[bytes]) -> _Field:
    name, _, value = b"".join(lines).decode("ascii").partition(":")
    return _Field(name.lower(), value.replace("\t", " ").strip(), b"".join(line + b"\r\n" for line in lines))


def _check_fields(fields: Sequence[_Field], faults: Faults) -> None:
    seen: set[str] = set()
    for field in fields:
        name = field.name
        if name in seen and name in _ONCE:
            faults.add(name, "is given twice, and readers differ in which they take: give it once")
        elif name == _OURS:
            faults.add(name, "is written by Everpost; leave it out")
        elif name in ORDERS or name.startswith(_ORDER_PREFIXES):
            faults.add(name, "is an order to one provider, and would change what is sent; leave it out")
        seen.add(name)
    for name, example in (("from", "Ann <ann@example.com>"), ("date", "Thu, 01 Jan 2026 09:00:00 +0000")):
        if name not in seen:
            faults.add(name, f"is missing, and nothing is added to such a mail: write `{name.title()}: {example}`")


def _of(fields: Iterable[_Field], name: str) -> str:
    return next((field.value for field in fields if field.name == name), "")


def _subject(fields: Sequence[_Field]) -> str:
    """To be shown and found; the mail has its own."""
    return FORBIDDEN.sub(" ", decoded_words(_of(fields, "subject")))[: limits.SUBJECT_CHARS_MAX]


# --- the envelope ----------------------------------------------------------------------------------------------------


def _sender(fields: Sequence[_Field], faults: Faults) -> Address:
    """Who answers for the mail: From, or Sender where From names several (RFC 5322 3.6.2)."""
    found = _addresses(fields, "from")
    if len(found) > 1:
        found = _addresses(fields, "sender")
    if len(found) != 1:
        faults.add("from", "names several, so that Sender must name one of them")
        return _NOBODY
    if isinstance(found[0], str):
        faults.add("from", found[0])
        return _NOBODY
    return found[0]


def _recipients(fields: Sequence[_Field], envelope: Sequence[str], faults: Faults) -> Sequence[tuple[Address, ...]]:
    named = [_addresses(fields, name) for name in ("to", "cc", "bcc")]
    if envelope:
        groups = _sorted(_sound("envelope", [address_of(email) for email in envelope], faults), named)
    else:
        groups = [_sound(name, found, faults) for name, found in zip(("to", "cc", "bcc"), named, strict=True)]
    count = sum(map(len, groups))
    if not count and not faults:
        faults.add("to", "nobody is named whom the mail is for: name them in To, Cc or Bcc, or in the envelope")
    if count > limits.RECIPIENTS_MAX:
        faults.add("to", f"{count} recipients are more than the {limits.RECIPIENTS_MAX} allowed")
    return groups


def _sorted(envelope: Sequence[Address], named: Sequence[Sequence[Address | str]]) -> Sequence[tuple[Address, ...]]:
    """Those of the envelope by where they are shown; who is not stands in bcc."""
    to, cc = ({each.email.lower(): each for each in group if isinstance(each, Address)} for group in named[:2])
    groups: tuple[list[Address], ...] = ([], [], [])
    for address in envelope:
        email = address.email.lower()
        place = 0 if email in to else 1 if email in cc else 2
        groups[place].append((to, cc, {})[place].get(email, address))
    return [tuple(group) for group in groups]


def _sound(name: str, found: Sequence[Address | str], faults: Faults) -> tuple[Address, ...]:
    for position, each in enumerate(found):
        if isinstance(each, str):
            faults.add(f"{name}[{position}]", each)
    return tuple(each for each in found if isinstance(each, Address))


def _addresses(fields: Iterable[_Field], name: str) -> list[Address | str]:
    """Each address, or what is wrong with it. Of a group (RFC 5322 3.4), those who are in it."""
    value = _of(fields, name)
    group = _GROUP.fullmatch(value)
    return parse_encoded_list(group[1] if group else value, decoded_words)
