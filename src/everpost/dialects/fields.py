"""Checks of single fields that hold for every mail, whoever's format it came in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.coded import from_base64
from everpost.dialects.faults import Faults, key_path, quoted
from everpost.model import limits
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft, size_bytes

FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What may stand in no line: CR and LF would start a header of the sender's choice, the others break parsers."""

OWN_FIELDS: Final[Mapping[str, str]] = {
    "from": "from",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "reply-to": "reply_to",
}
WRITTEN_FOR_YOU: Final = frozenset(
    {
        "date",
        "message-id",
        "mime-version",
        "dkim-signature",
        "received",
        "return-path",
    },
)
ORDERS: Final = frozenset({"x-smtpapi", "x-msys-api", "x-mc-bccaddress"})
"""Headers that a provider obeys, and that may name further recipients."""
WRITTEN_PREFIXES: Final = ("content-", "x-everpost-")

_DIRECTION: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_HEADER_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 3.6.8
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"  # RFC 2045 5.1
_CONTENT_TYPE: Final = re.compile(rf"(?!multipart/){_ATOM}/{_ATOM}(?: *;[ -~]*)?", re.IGNORECASE)
_CONTENT_ID: Final = re.compile(r"[!-;=?-~]+")  # visible ASCII without angle brackets
_BLANKS: Final = " \t\r\n"
_WHITESPACE: Final = str.maketrans("", "", _BLANKS)
_CONTENT_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}


def check_line(text: str, chars_max: int, path: str, faults: Faults) -> None:
    """A value that ends up in one line of a header."""
    if len(text) > chars_max:
        faults.add(path, f"has {len(text)} characters, at most {chars_max} are allowed")
    elif not (text.isascii() and text.isprintable()) and FORBIDDEN.search(text):
        faults.add(path, "contains a control character (CR, LF and NUL are some); remove it")


def check_filled(text: str, chars_max: int, path: str, faults: Faults) -> None:
    """As `check_line`, and not empty."""
    if text:
        check_line(text, chars_max, path, faults)
    else:
        faults.add(path, "is empty")


def check_direction(name: str, path: str, faults: Faults) -> None:
    """A name that people tell by its looks: of a sender, or of a file."""
    if _DIRECTION.search(name):
        faults.add(path, "contains a control of the writing direction, which makes it look like another; remove it")


def check_content(draft: Draft, faults: Faults) -> None:
    for path, body in (("text", draft.text), ("html", draft.html)):
        if body and "\0" in body:
            faults.add(path, "contains a NUL character, which no mail can carry; remove it")
    size = size_bytes(draft)
    if size > limits.CONTENT_BYTES_MAX:
        path = "attachments" if draft.attachments else "html" if draft.html else "text"
        faults.add(path, f"the mail has {size} bytes of content, at most {limits.CONTENT_BYTES_MAX} are allowed")


def check_count(count: int, count_max: int, path: str, what: str, faults: Faults) -> bool:
    """Whether there are few enough to look at each."""
    if count <= count_max:
        return True
    faults.add(path, f"{count} {what} are more than the {count_max} allowed")
    return False


def read_headers(headers: Mapping[str, str], faults: Faults) -> dict[str, str]:
    if not check_count(len(headers), limits.HEADERS_MAX, "headers", "headers", faults):
        return {}
    seen: set[str] = set()
    for name, value in headers.items():
        path = key_path("headers", name)
        complaint = _header_name_fault(name, seen)
        if complaint:
            faults.add(path, complaint)
        seen.add(name.lower())
        check_line(value, limits.HEADER_VALUE_CHARS_MAX, path, faults)
    return dict(headers)


def _header_name_fault(name: str, seen: set[str]) -> str | None:
    lower = name.lower()
    if len(name) > limits.HEADER_NAME_CHARS_MAX:
        return f"the name has {len(name)} characters, at most {limits.HEADER_NAME_CHARS_MAX} are allowed"
    if not _HEADER_NAME.fullmatch(name):
        return "a header's name is made of visible ASCII characters without spaces and colons"
    if lower in OWN_FIELDS:
        return f"is set by the field `{OWN_FIELDS[lower]}`; use that"
    if lower in WRITTEN_FOR_YOU or lower.startswith(WRITTEN_PREFIXES):
        return "is written by Everpost or the provider; leave it out"
    if lower in ORDERS:
        return "is an order to a provider, which could change the recipients; leave it out"
    return "is given twice, in different letter case" if lower in seen else None


def read_tags(tags: Sequence[str], faults: Faults) -> tuple[str, ...]:
    """Without repetitions, which some providers refuse."""
    if not check_count(len(tags), limits.TAGS_MAX, "tags", "tags", faults):
        return ()
    for position, tag in enumerate(tags):
        check_filled(tag, limits.TAG_CHARS_MAX, f"tags[{position}]", faults)
    return tuple(dict.fromkeys(tags))


def read_stream(stream: str | None, faults: Faults) -> str:
    """Left out: none."""
    if stream is not None:
        check_filled(stream, limits.TAG_CHARS_MAX, "stream", faults)
    return stream or ""


def read_metadata(metadata: Mapping[str, str], faults: Faults) -> dict[str, str]:
    if not check_count(len(metadata), limits.METADATA_KEYS_MAX, "metadata", "entries", faults):
        return {}
    for key, value in metadata.items():
        path = key_path("metadata", key)
        check_filled(key, limits.METADATA_KEY_CHARS_MAX, path, faults)
        if key == CORRELATION_KEY:
            faults.add(path, "is the name under which providers keep our own id; choose another one")
        check_line(value, limits.METADATA_BYTES_MAX, path, faults)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
    if size > limits.METADATA_BYTES_MAX:
        faults.add("metadata", f"has {size} bytes, at most {limits.METADATA_BYTES_MAX} are allowed")
    return dict(metadata)


def read_options(options: Mapping[str, dict[str, Any]], faults: Faults) -> dict[str, dict[str, Any]]:
    """Passed through untouched, so only what could not be stored is refused."""
    if not check_depth(options, "provider_options", faults):
        return {}
    size = len(msgspec.json.encode(options))
    if size > limits.PROVIDER_OPTIONS_BYTES_MAX:
        faults.add("provider_options", f"has {size} bytes, at most {limits.PROVIDER_OPTIONS_BYTES_MAX} are allowed")
    return dict(options)


def check_depth(value: Any, path: str, faults: Faults) -> bool:
    """Whether what may be anything can be stored."""
    if not _deeper_than(value, limits.PROVIDER_OPTIONS_DEPTH_MAX):
        return True
    faults.add(path, f"is nested more than {limits.PROVIDER_OPTIONS_DEPTH_MAX} levels deep")
    return False


def _deeper_than(value: Any, depth_max: int) -> bool:
    level = [value]
    for _ in range(depth_max):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _children(parent: Any) -> Iterable[Any]:
    return parent.values() if isinstance(parent, Mapping) else parent


def read_base64(text: str, path: str, faults: Faults) -> bytes:
    """RFC 4648, section 4. Line breaks are allowed, as tools write them; nothing else is read leniently."""
    try:
        has_blanks = any(blank in text for blank in _BLANKS)  # to look costs a tenth of taking them out
        return from_base64(text.translate(_WHITESPACE) if has_blanks else text)
    except ValueError as error:  # binascii.Error, or characters beyond ASCII
        hint = "; leave out the `data:…,` in front" if text.startswith("data:") else ""
        hint = hint or ("; use the standard alphabet with + and /" if "-" in text or "_" in text else "")
        faults.add(path, f"is not base64 ({str(error).lower()}){hint}")
        return b""


def read_content_type(given: str | None, filename: str, path: str, faults: Faults) -> str:
    """As given, or by the ending of the file's name."""
    if given is None:
        return _CONTENT_TYPES.get(filename.rpartition(".")[2].lower(), "application/octet-stream")
    if len(given) > limits.FILENAME_CHARS_MAX or not _CONTENT_TYPE.fullmatch(given) or FORBIDDEN.search(given):
        faults.add(path, f"{quoted(given)} is not the media type of a file, as in application/pdf")
    return given


def read_content_id(given: str | None, path: str, faults: Faults) -> str | None:
    """Without angle brackets."""
    if given is None:
        return None
    bare = given.removeprefix("<").removesuffix(">")
    if len(bare) > limits.FILENAME_CHARS_MAX or not _CONTENT_ID.fullmatch(bare):
        faults.add(path, f"must be 1 to {limits.FILENAME_CHARS_MAX} visible ASCII characters without < and >")
    return bare
