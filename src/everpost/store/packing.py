"""Messages as bytes, and ids of deliveries as keys: the same in every store of rows."""

import re
from typing import Final

import msgspec
from msgspec.structs import replace

from everpost.model.message import Attachment, Message, without_content

_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_PACK: Final = msgspec.msgpack.Encoder()
_HEAD: Final = msgspec.msgpack.Decoder(Message)
_CONTENT: Final = msgspec.msgpack.Decoder(tuple[str | None, str | None, tuple[Attachment, ...]])


def split(delivery_id: str) -> tuple[str, int] | None:
    """The key of a delivery's row; None if no delivery can have such an id."""
    message_id, _, position = delivery_id.partition(".")
    return (message_id, int(position)) if _POSITION.fullmatch(position) else None


def message_head(message: Message) -> bytes:
    """What lists and stories show."""
    return _PACK.encode(without_content(message))


def message_content(message: Message) -> bytes:
    """The rest, which may be large."""
    return _PACK.encode((message.text, message.html, message.attachments))


def to_head(head: bytes) -> Message:
    """The message without its content."""
    return _HEAD.decode(head)


def to_message(head: bytes, content: bytes) -> Message:
    return with_content(_HEAD.decode(head), content)


def with_content(message: Message, content: bytes) -> Message:
    """The message that came without it."""
    text, html, attachments = _CONTENT.decode(content)
    return replace(message, text=text, html=html, attachments=attachments)
