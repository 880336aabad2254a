"""Forms as HTTP carries them: multipart/form-data (RFC 7578) and application/x-www-form-urlencoded."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct, field

PARTS_MAX: Final = 2000  # 1,000 recipients, each in a field of its own, and room for the rest
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_PARAMETER: Final = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_ESCAPED: Final = re.compile(r'\\(["\\])')


class File(Struct, frozen=True, kw_only=True):
    field: str
    filename: str
    content_type: str
    content: bytes


class Form(Struct, kw_only=True):
    """Fields and files, each in the order of the body. A part with an empty file name counts as a field."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    """By name, each value that is given."""
    files: list[File] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        return self.fields.get(name, [])

    def last(self, name: str) -> str | None:
        found = self.fields.get(name)
        return found[-1] if found else None


def parse_form(content_type: str, body: bytes) -> Form | str:
    """The form, or what is wrong with it."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return _pairs(body.decode("ascii"))
        boundary = _BOUNDARY.search(content_type)
        if kind == "multipart/form-data" and boundary:
            return _multipart((boundary[1] or boundary[2]).encode(), body)
    except ValueError as refused:  # bad UTF-8 or escapes, too many fields
        return f"the form can't be read: {refused}"
    return "the body must be multipart/form-data or application/x-www-form-urlencoded"


def _pairs(text: str) -> Form:
    """As `parse_qsl` reads them, in half the time: a mail is one long value, and most names need no decoding."""
    pieces = text.split("&", PARTS_MAX)
    if len(pieces) > PARTS_MAX:
        raise ValueError(f"more than {PARTS_MAX} fields")
    form = Form()
    for name, _, value in (piece.partition("=") for piece in pieces if piece):
        form.add(_unescaped(name), _unescaped(value))
    return form


def _unescaped(text: str) -> str:
    text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text


def _multipart(boundary: bytes, body: bytes) -> Form | str:
    mark = b"\r\n--" + boundary
    _preamble, *parts = (b"\r\n" + body).split(mark, PARTS_MAX + 1)
    if not parts or not parts[-1].startswith(b"--"):
        return "the form ends before its last boundary"
    form = Form()
    for part in parts[:-1]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank:
            return "a part of the form has no blank line after its headers"
        _add(form, head.decode(), content)
    return form


def _add(form: Form, head: str, content: bytes) -> None:
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n"))
    }
    disposition = headers.get("content-disposition", "")
    found = {name.lower(): _ESCAPED.sub(r"\1", value) for name, value in _PARAMETER.findall(disposition)}
    name, filename = found.get("name", ""), found.get("filename")
    if filename:
        kind = headers.get("content-type", "application/octet-stream")
        form.files.append(File(field=name, filename=filename, content_type=kind, content=content))
    else:
        form.add(name, content.decode())
