"""An expected refusal, told in the terms of RFC 9457."""

from msgspec import Struct


class FieldError(Struct, frozen=True):
    field: str  # a path into the request: `to[1]`, `attachments[0].content`
    message: str  # what is wrong and how to mend it


class Problem(Struct, frozen=True, kw_only=True):
    code: str  # stable; clients branch on it
    status: int
    title: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    retry_after_s: float | None = None
