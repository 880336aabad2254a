"""An event together with its mail, for those who tell of it in words of their own."""

from collections.abc import Collection

from msgspec import Struct

from everpost.model.event import Event
from everpost.model.message import Message


class Told(Struct, frozen=True):
    """An event of a mail."""

    seq: int  # its place in the trail
    event: Event
    message: Message
    left_out: Collection[int]  # places of the recipients that the mail does not go to
