"""multipart/form-data (RFC 7578), the same bytes for the same fields."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

_NAME: Final = re.compile(r"[ !#-\[\]-~]+")  # printable ASCII that needs no quoting, which servers read differently


class FilePart(Struct, frozen=True):
    field: str
    filename: str
    content_type: str
    content: bytes


def is_field_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def render_form(seed: str, fields: Iterable[tuple[str, str]], files: Iterable[FilePart]) -> tuple[str, bytes]:
    """The content type and the body. Field names must satisfy `is_field_name`; file names may not break the line.

    The boundary is derived from `seed`, which whoever wrote the content could not know.
    """
    boundary = "everpost-" + hashlib.sha256(seed.encode()).hexdigest()[:32]
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (boundary.encode(), name.encode(), value.encode())
        for name, value in fields
    ]
    parts += [
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: %b\r\n\r\n%b\r\n'
        % (boundary.encode(), file.field.encode(), _quoted(file.filename), file.content_type.encode(), file.content)
        for file in files
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, b"--%b--\r\n" % boundary.encode()])


def _quoted(filename: str) -> bytes:
    return filename.replace("\\", "\\\\").replace('"', '\\"').encode()
