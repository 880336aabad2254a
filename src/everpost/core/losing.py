"""What a mail needs of whoever carries it, and what a provider would leave out of it."""

import mimetypes
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Final

from msgspec import Struct

from everpost.model.capability import UNSEEN, FileTypes, Limits, Loss
from everpost.model.limits import RAW_HEAD_BYTES_MAX
from everpost.model.message import Attachment, Draft, size_bytes

_CHARSET: Final = re.compile(r"(?i)text/.*;\s*charset\s*=(?!\s*\"?(utf-8|us-ascii)\b)")
_METHOD: Final = re.compile(r"(?i)text/calendar\s*;.*\bmethod\s*=")
_RAW_NAME: Final = re.compile(rb"(?:\A|\n)([!-9;-~]+):")
_COMPOSITE: Final = ("message/", "multipart/")
_HEAD_END: Final = b"\r\n\r\n"


class Needs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a mail is made of, as far as it matters who carries it."""

    recipients: int
    size_bytes: int
    raw: bool = False  # it goes out as it stands: what is in it is nobody's business
    attachments: int = 0
    inline: int = 0  # of these
    calendar: int = 0  # of these, invitations and answers to them
    headers: int = 0
    message_id: bool = False  # it has one of its own
    tags: int = 0
    metadata: int = 0


def needs_of(draft: Draft) -> Needs:
    files = () if draft.is_raw else draft.attachments
    return Needs(
        recipients=len(draft.recipients),
        size_bytes=size_bytes(draft),
        raw=draft.is_raw,
        attachments=len(files),
        inline=sum(file.content_id is not None for file in files),
        calendar=sum(_is_invitation(file) for file in files),
        headers=len(draft.headers),
        message_id=_has_message_id(draft),
        tags=len(draft.tags),
        metadata=len(draft.metadata),
    )


def losses(draft: Draft, limits: Limits) -> dict[Loss, str]:
    """What the provider would leave out of the mail or change, each with the words for it. Nothing of most mail."""
    if not (draft.tags or draft.metadata or draft.headers or draft.attachments):
        return {}
    return dict(_losses(draft, limits))


def allowed(draft: Draft, policy: Collection[Loss] | None) -> Collection[Loss]:
    """What the mail may lose. `policy` is what its route allows; None: it says nothing. What the mail itself names is
    added to that, and a mail that names nothing at all (an empty list) may lose nothing, whatever its route allows."""
    if draft.allow_loss is None:
        return UNSEEN if policy is None else policy
    return {*draft.allow_loss, *policy} if draft.allow_loss and policy else draft.allow_loss


def unwanted(draft: Draft, limits: Limits, policy: Collection[Loss] | None) -> str | None:
    """Why the provider may not have the mail, which would lose there what it may not lose; None: it may."""
    for loss, words in losses(draft, limits).items():
        if loss not in allowed(draft, policy):
            return f"{words}, and neither the mail nor its route allows for that (`{loss}` in allow_loss)"
    return None


def _losses(draft: Draft, limits: Limits) -> Iterator[tuple[Loss, str]]:
    kept = limits.kept(draft.tags)
    if len(kept) < len(set(draft.tags)):
        yield Loss.TAGS, f"it keeps {len(kept)} of {len(set(draft.tags))} tags"
    if draft.metadata and not limits.metadata:
        yield Loss.METADATA, "it keeps no metadata"
    if not limits.message_id and _has_message_id(draft):
        yield Loss.MESSAGE_ID, "it writes a Message-ID of its own"
    if dropped := sorted(name for name in _header_names(draft) if name.lower() in limits.headers_dropped):
        yield Loss.HEADERS, f"it leaves out the header {', '.join(dropped)}"
    if not draft.is_raw:
        yield from _losses_of_files(draft, limits)


def _losses_of_files(draft: Draft, limits: Limits) -> Iterator[tuple[Loss, str]]:
    files = draft.attachments
    if not limits.inline_names and any(file.content_id not in (None, file.filename) for file in files):
        yield Loss.INLINE_NAMES, "it calls inline files by their content ids"
    if limits.file_names_ascii and not all(file.filename.isascii() for file in files):
        yield Loss.FILE_NAMES, "it garbles file names beyond ASCII"
    if limits.file_types is FileTypes.BY_NAME and any(map(_is_invitation, files)):
        yield Loss.CALENDAR, "it sends an invitation as a file that can't be answered"
    if not all(_keeps_type(file, limits.file_types) for file in files):
        yield Loss.FILE_TYPES, "it does not keep the content type of every file"


def _keeps_type(file: Attachment, how: FileTypes) -> bool:
    match how:
        case FileTypes.BY_NAME:
            ending = "." + file.filename.rpartition(".")[2].lower()
            return file.content_type.partition(";")[0].strip().lower() in _types_of(ending)
        case FileTypes.NO_CHARSET:
            return _CHARSET.match(file.content_type) is None
        case FileTypes.NO_COMPOSITES:
            return not file.content_type.lower().startswith(_COMPOSITE)
        case FileTypes.AS_GIVEN:
            return True


@cache
def _by_ending() -> mimetypes.MimeTypes:
    """The standard library's own table: without this machine's, so that all processes say the same."""
    return mimetypes.MimeTypes()


def _types_of(ending: str) -> tuple[str, ...]:
    """What a file of this ending is taken for; of one that nobody knows, nobody can tell."""
    found = [table[ending] for table in _by_ending().types_map if ending in table]
    return (*found, *_FURTHER.get(ending, ())) or ("application/octet-stream",)


_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_FURTHER: Final = {
    ".docx": (f"{_OFFICE}wordprocessingml.document",),
    ".xlsx": (f"{_OFFICE}spreadsheetml.sheet",),
    ".pptx": (f"{_OFFICE}presentationml.presentation",),
    ".ics": ("text/calendar",),
    ".webp": ("image/webp",),
    ".xml": ("application/xml", "text/xml"),
    ".zip": ("application/zip", "application/x-zip-compressed"),
}


def _is_invitation(file: Attachment) -> bool:
    return _METHOD.match(file.content_type) is not None


def _has_message_id(draft: Draft) -> bool:
    return any(name.lower() == "message-id" for name in _header_names(draft))


def _header_names(draft: Draft) -> Iterable[str]:
    if not draft.is_raw:
        return draft.headers
    head = draft.raw[:RAW_HEAD_BYTES_MAX].partition(_HEAD_END)[0]
    return (name.decode("ascii") for name in _RAW_NAME.findall(head))
