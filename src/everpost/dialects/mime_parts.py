"""A mail taken apart into its parts (RFC 5322, RFC 2046), with a bound on everything. Only bytes are cut here: a mail
within a mail stays the bytes that it is."""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from everpost.dialects.coded import from_base64
from everpost.dialects.mime_words import Unreadable, decode_text, parse_parameters
from everpost.model.limits import MIME_DEPTH_MAX, MIME_HEAD_BYTES_MAX, MIME_PARTS_MAX

_NAME: Final = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_BLANKS: Final = b" \t"
_BASE64_BLANKS: Final = b" \t\r\n"
_AS_IT_IS: Final = ("", "7bit", "8bit", "binary")
_Span = tuple[int, int]


class Part(Struct, frozen=True, kw_only=True):
    fields: tuple[tuple[str, str], ...]  # of the header, in order: names as written, values unfolded
    kind: str  # its media type, in lower case
    parameters: dict[str, str]  # of the media type
    body: bytes  # as it was sent, still encoded; of one with children, nothing
    children: tuple["Part", ...] = ()

    def all(self, name: str) -> list[str]:
        """Values of the fields of that name (in lower case)."""
        return [value for key, value in self.fields if key.lower() == name]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def disposition(self) -> str:
        """`inline`, `attachment` or what else is said; empty if nothing is."""
        return parse_parameters(self.first("content-disposition"))[0]

    @property
    def filename(self) -> str:
        named = parse_parameters(self.first("content-disposition"))[1].get("filename")
        return named or self.parameters.get("name", "")

    def content(self) -> bytes:
        """Its bytes, decoded."""
        encoding = self.first("content-transfer-encoding").strip().lower()
        if encoding in _AS_IT_IS:
            return self.body
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        if encoding != "base64":
            raise Unreadable(f"the transfer encoding {encoding[:40]!a} is not known; use base64")
        try:
            return from_base64(self.body.translate(None, _BASE64_BLANKS))
        except binascii.Error as error:
            raise Unreadable(f"a part is not base64, as its header says: {str(error).lower()}") from None

    def text(self) -> str:
        """Its content as text, lines ended by LF. Ruby's mail library 2.7 writes a CR into the text (`=0D`) before each
        line end, and means a part of it."""
        text = decode_text(self.content(), self.parameters.get("charset") or "us-ascii")
        return text.replace("\r\r\n", "\n").replace("\r\n", "\n")


def take_apart(data: bytes) -> Part:
    """The whole mail, its lines ended by CRLF. Raises Unreadable."""
    return _Scissors(data).part((0, len(data)), "text/plain", 0)


class _Scissors:
    """Counts the parts of one mail while it is taken apart. A part is known by where it begins and ends: only what has
    no children is copied, and once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._count = 0

    def part(self, where: _Span, usual: str, depth: int) -> Part:
        """`usual`: the media type of a part that names none."""
        self._count += 1
        if self._count > MIME_PARTS_MAX:
            raise Unreadable(f"it has more than {MIME_PARTS_MAX} parts")
        if depth > MIME_DEPTH_MAX:
            raise Unreadable(f"its parts are nested more than {MIME_DEPTH_MAX} levels deep")
        head, body = _halves(self._data, *where)
        fields = tuple(_fields(head))
        typed = next((value for name, value in fields if name.lower() == "content-type" and value), usual)
        kind, parameters = parse_parameters(typed)
        if not kind.startswith("multipart/"):
            return Part(fields=fields, kind=kind, parameters=parameters, body=self._data[slice(*body)])
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        pieces = _pieces(self._data, *body, _boundary(parameters))
        children = tuple(self.part(piece, inner, depth + 1) for piece in pieces)
        if not children:
            raise Unreadable("a multipart has no parts: its boundary does not occur in it")
        return Part(fields=fields, kind=kind, parameters=parameters, body=b"", children=children)


def _halves(data: bytes, start: int, end: int) -> tuple[bytes, _Span]:
    """The header of a part, and where its body is."""
    if data.startswith(b"\r\n", start, end):
        return b"", (start + 2, end)
    blank = data.find(b"\r\n\r\n", start, min(end, start + MIME_HEAD_BYTES_MAX + 4))
    if blank < 0 and end - start > MIME_HEAD_BYTES_MAX:
        raise Unreadable(f"a header has more than {MIME_HEAD_BYTES_MAX} bytes")
    return (data[start:end].removesuffix(b"\r\n"), (end, end)) if blank < 0 else (data[start:blank], (blank + 4, end))


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise Unreadable("a header is neither ASCII nor UTF-8; encode its words (RFC 2047)") from None
    pieces: list[str] = []
    for number, line in enumerate(text.split("\r\n") if text else (), 1):
        if line.startswith((" ", "\t")) and pieces:
            pieces.append(line)
            continue
        if pieces:
            yield _field(pieces)
        if not _NAME.fullmatch(line):
            raise Unreadable(f"line {number} of a header is none, such as `Subject: Hello`: {line[:60]!a}")
        pieces = [line]
    if pieces:
        yield _field(pieces)


def _field(lines: list[str]) -> tuple[str, str]:
    """Unfolded (RFC 5322 2.2.3); a tab is a blank like others."""
    name, _, value = "".join(lines).replace("\t", " ").partition(":")
    return name.rstrip(" "), value.strip(" ")


def _boundary(parameters: dict[str, str]) -> bytes:
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Unreadable("the boundary of a multipart is missing, or is none (RFC 2046 5.1.1)")
    return b"--" + boundary.encode("ascii")


def _pieces(data: bytes, first: int, end: int, mark: bytes) -> Iterator[_Span]:
    """What stands between the delimiters of a body. Before the first and after the last one, there is nothing of the
    mail."""
    start = None
    at = first if data.startswith(mark, first, end) else _next(data, mark, first, end)
    while at >= 0:
        line_end = data.find(b"\r\n", at, end)
        line_end = end if line_end < 0 else line_end
        rest = data[at + len(mark) : line_end]
        is_last = rest.startswith(b"--")
        if rest.removeprefix(b"--").strip(_BLANKS) == b"":
            if start is not None:
                yield start, max(start, at - 2)
            if is_last:
                return
            start = line_end + 2
        at = _next(data, mark, line_end, end)
    if start is not None:
        yield min(start, end), end


def _next(data: bytes, mark: bytes, start: int, end: int) -> int:
    """Where the next line begins that starts with the mark."""
    found = data.find(b"\r\n" + mark, start, end)
    return found + 2 if found >= 0 else -1
