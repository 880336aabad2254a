"""A mail in RFC 5322 form: our own serializer, since the standard library's is neither strict nor deterministic.

The same mail and delivery id give the same bytes. Every header field is checked before it is written, so nothing that
a caller hands in can start a line of its own. Bcc is never written.
"""

import binascii
import hashlib
import re
from base64 import b64encode, encodebytes
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote

from everpost.model.message import Address, Attachment, Draft, Message
from everpost.providers.fields import fault_of, message_id_of, without_repeats

_LINE_CHARS_MAX: Final = 998  # RFC 5322 2.1.1, a must
_FOLD_CHARS: Final = 76  # … and where a line should end
_ENCODED_BYTES: Final = 42  # of UTF-8 in one encoded-word, which may have 75 characters (RFC 2047 2)
_PHRASE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PARAMETER_CHARS: Final = 60  # of a file name in one RFC 2231 segment
_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_NOT_7BIT: Final = re.compile(r"[^\n\t\x20-\x7e]|[^\n]{998}|[ \t]$|=_", re.MULTILINE)
_COMPOSITE: Final = ("message/", "multipart/")


def mime_fault(draft: Draft) -> str | None:
    """Why the mail can't be written in this form, or None."""
    fault = fault_of(draft, takes_raw=True)
    if fault:
        return fault
    addresses = (draft.sender, *draft.recipients, *draft.reply_to)
    if not all(address.email.isascii() for address in addresses):
        return "an address has characters beyond ASCII before its @, which needs SMTPUTF8 (RFC 6531)"
    if draft.is_raw:
        return None
    if any(len(line) > _LINE_CHARS_MAX for field in _head(draft, "") for line in field.split("\r\n")):
        return "a header has a word that does not fit into a line of 998 characters"
    return None


def render_mime(draft: Draft, delivery_id: str) -> bytes:
    """The whole mail, which has no fault, lines ended by CRLF. `Date` is the instant at which a Message was accepted; a
    Draft has none. A raw one goes out as it stands, below one line that names the delivery: above everything that was
    signed, and so outside of any signature."""
    if draft.is_raw:
        return b"X-Everpost-Id: %b\r\n" % delivery_id.encode() + draft.raw
    head = "\r\n".join(_head(draft, delivery_id)).encode("ascii")
    body = _body(draft, hashlib.sha256(delivery_id.encode()).hexdigest()[:32])
    return head + b"\r\n" + body + (b"" if body.endswith(b"\r\n") else b"\r\n")


def _head(draft: Draft, delivery_id: str) -> list[str]:
    to, cc, _ = without_repeats(draft)
    own = ("message-id",)
    fields = [f"Date: {format_datetime(_instant(draft))}"] if isinstance(draft, Message) else []
    fields += [_address_field("From", (draft.sender,))]
    fields += [_address_field(name, found) for name, found in (("To", to), ("Cc", cc)) if found]
    fields += [_address_field("Reply-To", dict.fromkeys(draft.reply_to))] if draft.reply_to else []
    fields += [_field("Subject", draft.subject), f"Message-ID: {message_id_of(draft, delivery_id)}"]
    fields += [f"X-Everpost-Id: {delivery_id}"]
    fields += [_field(name, value) for name, value in draft.headers.items() if name.lower() not in own]
    return [*fields, "MIME-Version: 1.0"]


def _instant(message: Message) -> datetime:
    return datetime.fromtimestamp(int(message.created_at), UTC)


# --- header fields ---------------------------------------------------------------------------------------------------


def _field(name: str, value: str) -> str:
    """An unstructured field: folded at its blanks, or encoded if it could not be read back as it is (RFC 2047)."""
    plain = value.isascii() and "=?" not in value and value.strip(" ") == value
    if not plain or any(len(word) > _LINE_CHARS_MAX - len(name) - 2 for word in value.split(" ")):
        return f"{name}: " + "\r\n ".join(_encoded_words(value))
    lines, line = [], f"{name}:"
    for word in value.split(" "):
        if len(line) + len(word) >= _FOLD_CHARS and line.strip(" ") and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line])


def _address_field(name: str, addresses: Iterable[Address]) -> str:
    return f"{name}: " + ",\r\n ".join(_mailbox(address) for address in addresses)


def ascii_line(text: str) -> str:
    """A header's value in ASCII, as encoded-words where it is not (RFC 2047)."""
    return text if text.isascii() else " ".join(_encoded_words(text))


def ascii_mailbox(address: Address) -> str:
    """`Name <a@b>` in one line, a name in another script as encoded-words."""
    return _mailbox(address).replace("\r\n", "")


def _mailbox(address: Address) -> str:
    if not address.name:
        return address.email
    return f"{_phrase(address.name)} <{address.email}>"


def _phrase(name: str) -> str:
    if not name.isascii() or "=?" in name or name.strip(" ") != name:
        return "\r\n ".join(_encoded_words(name))
    return name if _PHRASE.fullmatch(name) and "  " not in name else f'"{_escaped(name)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _encoded_words(text: str) -> list[str]:
    """Encoded-words that each hold whole characters (RFC 2047 5)."""
    words, chunk = [], b""
    for char in text:
        octets = char.encode()
        if len(chunk) + len(octets) > _ENCODED_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += octets
    return [f"=?utf-8?b?{b64encode(word).decode()}?=" for word in [*words, chunk]]


def _filename(filename: str) -> str:
    """The `filename` parameter; in segments of percent-encoded UTF-8 where it is long or not ASCII (RFC 2231)."""
    if filename.isascii() and "=?" not in filename and len(filename) <= _PARAMETER_CHARS:
        return f'filename="{_escaped(filename)}"'
    octets = [quote(char, safe="") for char in filename]
    segments = [""]
    for octet in octets:
        if len(segments[-1]) + len(octet) > _PARAMETER_CHARS:
            segments.append("")
        segments[-1] += octet
    if len(segments) == 1:
        return f"filename*=utf-8''{segments[0]}"
    charset = "utf-8''"
    return ";\r\n ".join(f"filename*{at}*={'' if at else charset}{segment}" for at, segment in enumerate(segments))


# --- the body --------------------------------------------------------------------------------------------------------


def _body(draft: Draft, digest: str) -> bytes:
    """mixed(alternative(text, related(html, inline …)), attachment …), each level only where it is needed."""
    inline = [part for part in draft.attachments if draft.html is not None and part.content_id is not None]
    others = [part for part in draft.attachments if draft.html is None or part.content_id is None]
    html = [] if draft.html is None else [_text(draft.html, "html")]
    related = _multipart("related", f"=_{digest}_r", html + [_attachment(part, "inline") for part in inline])
    text = [_text(draft.text or "", "plain")] if draft.text is not None or draft.html is None else []
    shown = _multipart("alternative", f"=_{digest}_a", text + ([related] if html else []))
    return _multipart("mixed", f"=_{digest}_m", [shown, *(_attachment(part, "attachment") for part in others)])


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    """Parts under one boundary; a single part stands for itself."""
    if len(parts) < 2:
        return b"".join(parts)
    mark = boundary.encode()
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (subtype.encode(), mark)
    return head + b"".join(b"--%b\r\n%b\r\n" % (mark, part) for part in parts) + b"--%b--\r\n" % mark


def _text(text: str, subtype: str) -> bytes:
    lines = _NEWLINE.sub("\n", text)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: "
    if not _NOT_7BIT.search(lines):
        return (head + "7bit\r\n\r\n" + lines.replace("\n", "\r\n")).encode("ascii")
    printable = binascii.b2a_qp(lines.encode(), istext=True)
    coded = encodebytes(lines.replace("\n", "\r\n").encode())
    name, body = min(("quoted-printable", printable), ("base64", coded), key=lambda choice: len(choice[1]))
    return f"{head}{name}\r\n\r\n".encode("ascii") + body.replace(b"\n", b"\r\n")


def _attachment(part: Attachment, disposition: str) -> bytes:
    # RFC 2046 5.2.1 forbids base64 for composite types: they go as plain octets.
    composite = part.content_type.lower().startswith(_COMPOSITE)
    head = [
        f"Content-Type: {'application/octet-stream' if composite else part.content_type}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition};\r\n {_filename(part.filename)}",
    ]
    head += [f"Content-ID: <{part.content_id}>"] if part.content_id is not None else []
    return "\r\n".join([*head, "", ""]).encode("ascii") + encodebytes(part.content).replace(b"\n", b"\r\n")
