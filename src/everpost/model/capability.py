"""What a provider can take of a mail, as data: its limits, and what it has no place for."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Loss(StrEnum):
    """What of a mail a provider may leave out, or change."""

    TAGS = "tags"
    METADATA = "metadata"
    MESSAGE_ID = "message_id"
    INLINE_NAMES = "inline_names"
    FILE_TYPES = "file_types"
    FILE_NAMES = "file_names"
    CALENDAR = "calendar"
    HEADERS = "headers"


MEANING: Final[Mapping[Loss, str]] = {
    Loss.TAGS: "some of the tags, or all: Everpost keeps them, the provider's own figures don't know them",
    Loss.METADATA: "the metadata: Everpost keeps it, the provider's own records don't have it",
    Loss.MESSAGE_ID: "the mail's own Message-ID: the provider writes another",
    Loss.INLINE_NAMES: "the file names of inline files: they are called by their content ids",
    Loss.FILE_TYPES: "the content types of files: they go by the file names, or without a charset",
    Loss.FILE_NAMES: "file names in other scripts than Latin without accents: they arrive garbled",
    Loss.CALENDAR: "the method of a calendar file: an invitation arrives as a file that can't be answered",
    Loss.HEADERS: "headers that the provider leaves out without a word",
}

UNSEEN: Final = frozenset({Loss.TAGS, Loss.METADATA, Loss.MESSAGE_ID, Loss.INLINE_NAMES, Loss.FILE_TYPES})
"""What nobody who reads the mail can see: a mail puts up with it unless it says otherwise."""


class FileTypes(StrEnum):
    """What becomes of the content type of a file."""

    AS_GIVEN = "as_given"
    BY_NAME = "by_name"  # the provider goes by the ending of the file's name
    NO_CHARSET = "no_charset"  # the charset of a text is left out
    NO_COMPOSITES = "no_composites"  # mails and multiparts go as octets (RFC 2046 5.2.1 forbids to encode them)


class Limits(Struct, frozen=True, kw_only=True):
    """Of one provider. What it does not keep costs the mail something, and is a Loss; the rest it can't take at all."""

    recipients_max: int
    content_bytes_max: int
    inline: bool = True  # attachments with a content_id
    raw: bool = False  # a whole mail as it stands
    not_raw: str = "its API takes the parts of a mail alone"  # why it takes none, where it does not
    tags_max: int | None = None  # that it keeps of one mail; None: any number
    tag_bytes_max: int | None = None  # of a tag that it keeps
    metadata: bool = True  # it keeps it
    message_id: bool = True  # the mail's own goes out
    inline_names: bool = True  # inline files keep their names
    file_types: FileTypes = FileTypes.AS_GIVEN
    file_names_ascii: bool = False  # it garbles others
    headers_dropped: frozenset[str] = frozenset()  # that it leaves out without a word, in lower case

    def kept(self, tags: Sequence[str]) -> list[str]:
        """The tags that it keeps, each of them once."""
        longest = self.tag_bytes_max
        fit = (tag for tag in dict.fromkeys(tags) if longest is None or len(tag.encode()) <= longest)
        return [*fit][: self.tags_max]
