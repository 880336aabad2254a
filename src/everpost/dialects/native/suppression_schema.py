"""What the native API takes of those who must not be written to, and of those who must be forgotten, as types."""

from typing import Annotated

from msgspec import Meta, Struct

from everpost.dialects.native.schema import REQUIRED, TIME
from everpost.model import limits
from everpost.model.suppression import Source


class ErasureRequest(Struct, forbid_unknown_fields=True):
    """Whom to take out of all mails of the project."""

    address: str
    dry_run: Annotated[bool, Meta(description="Only say what would be done.")] = False


class SuppressionSearch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which suppressions to list. In a body, since addresses in a URL end up in logs."""

    address: Annotated[str, Meta(description="How the address begins, in any case of letters. Empty: all.")] = ""
    cursor: Annotated[str | None, Meta(description="`next_cursor` of the page before.")] = None
    limit: Annotated[int, Meta(description=f"Entries on a page, at most {limits.PAGE_MAX}.")] = limits.PAGE_DEFAULT


class SuppressionImport(Struct, forbid_unknown_fields=True, kw_only=True):
    """Addresses to be suppressed, as a list."""

    csv: Annotated[
        str | None,
        Meta(
            description="Lines of address and reason (RFC 4180; `;` and tabs will do, too); at most "
            f"{limits.SUPPRESSION_LINES_MAX}. With titles, as an export has them, their columns are read in any order: "
            "address, reason, stream, source, expires_at; others are left out. Without a reason it is `imported`.",
            extra_json_schema=REQUIRED,
        ),
    ] = None
    dry_run: Annotated[bool, Meta(description="Only say what would be done.")] = False


class SuppressionRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an address must not be written to, with what, and for how long."""

    reason: str = "manual"
    stream: Annotated[str | None, Meta(description="Only mail of this stream is stopped. Left out: all mail.")] = None
    source: Annotated[Source, Meta(description="How it is known.")] = Source.PERSON
    expires_at: Annotated[float | str | None, Meta(description=f"Until then; left out: for good. {TIME}")] = None


class SuppressionAddition(SuppressionRequest, forbid_unknown_fields=True, kw_only=True):
    """Whom not to write to, why, with what, and for how long."""

    address: str


class SuppressionRemoval(Struct, forbid_unknown_fields=True):
    """Whom to write to again."""

    address: str
    stream: Annotated[str | None, Meta(description="With mail of this stream; others stay. Left out: all mail.")] = None
