"""An event together with its mail, for those who tell of it in words of their own."""

from collections.abc import Collection

from msgspec import Struct

from everpost.model.event import Event, EventType
from everpost.model.message import Message


class Told(Struct, frozen=True):
    """An event of a mail."""

    seq: int  # its place in the trail
    event: Event
    message: Message
    left_out: Collection[int]  # places of the recipients that the mail does not go to

    @property
    def places(self) -> Collection[int]:
        """Whom of the mail's recipients the event is about. None: nobody has told."""
        count = len(self.message.recipients)
        place, places = self.event.data.get("place"), self.event.data.get("places")
        if self.event.type is EventType.ACCEPTED:
            places = range(count)
        elif self.event.type is EventType.FAILED:
            places = [each for each in range(count) if each not in self.left_out]
        elif place is not None:
            places = [place]
        elif places is None and count == 1:
            places = [0]
        return [each for each in places or () if each < count]
