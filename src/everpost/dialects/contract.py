"""What every dialect reads."""

from msgspec import Struct

from everpost.model.message import Draft


class Submission(Struct, frozen=True, kw_only=True):
    """An HTTP request as the server has received it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes


class Parsed(Struct, frozen=True, kw_only=True):
    draft: Draft
    whole: bytes | None = None  # the mail as it came, where it came whole
    delivery_id: str | None = None  # ours, if the mail was built by one of our own providers
